import type { DestinationStream, Level, Logger } from 'pino';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { MqttListener, MqttSignals } from '../adapters/mqtt/index.ts';
import { type EngineSignals, type EngineTelemetry, messageOf } from '../engine/index.ts';
import type { Config } from './config.ts';

/** Nothing here logs them. Errors of drivers and libraries carry what they were given. */
const SECRET_FIELDS = [
  ...['password', 'secret', 'token', 'accessToken', 'refreshToken', 'access_token'],
  ...['refresh_token', 'id_token', 'client_secret', 'authorization', 'cookie'],
  'x-hook-secret',
];

/** A logger: readable lines for a person at a terminal, JSON for everything else. */
export function createLogger(level: Config['logLevel'], stream?: DestinationStream): Logger {
  const options = {
    level,
    redact: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  };
  if (stream) return pino(options, stream);
  return process.stdout.isTTY
    ? pino(options, pretty({ colorize: true, ignore: 'pid,hostname', sync: true }))
    : pino(options);
}

interface Loudness {
  level: Level;
  text: string;
}

/** Signals that an operator wants to read of, and how loud; the rest is debug. */
const ENGINE_LOUD: Partial<Record<keyof EngineSignals, Loudness>> = {
  'commit.retried': { level: 'warn', text: 'the database does not take the batch; trying again' },
  'dead-letter.kept': { level: 'warn', text: 'a message was refused and kept as a dead letter' },
  'dead-letter.lost': { level: 'error', text: 'a refused message could not even be kept' },
  'delivery.postponed': { level: 'info', text: 'a delivery is put off' },
  'timer.skipped': { level: 'info', text: 'a timer was too late to fire' },
  'telemetry.folded': { level: 'info', text: 'a device reports more than its budget' },
  'twin.created': { level: 'info', text: 'a twin came into being' },
  'projection.left-out': { level: 'warn', text: 'a projection cannot take a turn' },
  'projection.failed': { level: 'warn', text: 'a projection cannot go on; trying again' },
  'projection.built': { level: 'info', text: 'a projection was built from the journal' },
  'engine.started': { level: 'info', text: 'the engine turns its twins' },
  'engine.stopped': { level: 'info', text: 'the engine has stopped' },
  'ownership.lost': { level: 'fatal', text: 'another engine has taken over these homes' },
  'background.failed': { level: 'error', text: 'background work failed' },
};

const MQTT_LOUD: Partial<Record<keyof MqttSignals, Loudness>> = {
  listening: { level: 'info', text: 'the embedded MQTT broker listens' },
  connected: { level: 'info', text: 'connected to the MQTT broker' },
  disconnected: { level: 'warn', text: 'the MQTT broker is away' },
  'connection.failed': { level: 'warn', text: 'the MQTT broker cannot be reached; trying again' },
  'subscription.refused': { level: 'error', text: 'the MQTT broker lets us not read a topic' },
  'packet.withheld': { level: 'warn', text: 'a packet stays unacknowledged and will come again' },
  'intake.waiting': { level: 'warn', text: 'a mailbox is full; MQTT waits' },
  'client.refused': { level: 'warn', text: 'an MQTT client was turned away' },
  'accounts.right': { level: 'info', text: 'the MQTT broker knows all accounts' },
  'account.missing': {
    level: 'error',
    text: 'the MQTT broker has lost an account; make a new secret for it',
  },
  'background.failed': { level: 'error', text: 'background work of the MQTT adapter failed' },
};

/** Writes what the engine tells about itself, each signal at the level that an operator expects. */
export function logTelemetry(telemetry: EngineTelemetry, logger: Logger): void {
  telemetry.subscribe((name, fields) => write(logger, ENGINE_LOUD[name], name, fields));
}

/** The same for the MQTT adapter. */
export function logMqtt(logger: Logger): MqttListener {
  return (name, fields) => write(logger, MQTT_LOUD[name], `mqtt.${name}`, fields);
}

function write(
  logger: Logger,
  loudness: Loudness | undefined,
  signal: string,
  fields: object,
): void {
  const { level, text } = loudness ?? { level: 'debug', text: signal };
  // Building a line costs more than the turn that it is about
  if (!logger.isLevelEnabled(level)) return;
  const line: Record<string, unknown> = { signal, ...fields };
  if ('error' in line) line.error = messageOf(line.error);
  logger[level](line, text);
}

/**
 * A letter that was not sent. Without a mail server in development it is printed, code and all; with one
 * only that it failed: what it says is for somebody else.
 */
export function logUnsent(
  logger: Logger,
): (letter: { to: string; subject: string; text: string }, error: unknown) => void {
  return ({ to, subject, text }, error) => {
    if (error === null) logger.warn({ to, subject, text }, 'no MAIL_URL is set: a letter');
    else logger.error({ err: error }, 'a letter could not be sent');
  };
}
