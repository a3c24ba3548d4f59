import type { DestinationStream, Level, Logger } from 'pino';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import { type EngineSignals, type EngineTelemetry, messageOf } from '../engine/index.ts';
import type { Config } from './config.ts';

/** A logger: readable lines for a person at a terminal, JSON for everything else. */
export function createLogger(level: Config['logLevel'], stream?: DestinationStream): Logger {
  const options = {
    level,
    redact: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token'],
  };
  if (stream) return pino(options, stream);
  return process.stdout.isTTY
    ? pino(options, pretty({ colorize: true, ignore: 'pid,hostname', sync: true }))
    : pino(options);
}

/** Signals that an operator wants to read of, and how loud; the rest is debug. */
const LOUD: Partial<Record<keyof EngineSignals, { level: Level; text: string }>> = {
  'commit.retried': { level: 'warn', text: 'the database does not take the batch; trying again' },
  'dead-letter.kept': { level: 'warn', text: 'a message was refused and kept as a dead letter' },
  'dead-letter.lost': { level: 'error', text: 'a refused message could not even be kept' },
  'delivery.postponed': { level: 'info', text: 'a delivery is put off' },
  'timer.skipped': { level: 'info', text: 'a timer was too late to fire' },
  'telemetry.folded': { level: 'info', text: 'a device reports more than its budget' },
  'twin.created': { level: 'info', text: 'a twin came into being' },
  'engine.started': { level: 'info', text: 'the engine turns its twins' },
  'engine.stopped': { level: 'info', text: 'the engine has stopped' },
  'ownership.lost': { level: 'fatal', text: 'another engine has taken over these homes' },
  'background.failed': { level: 'error', text: 'background work failed' },
};

/** Writes what the engine tells about itself, each signal at the level that an operator expects. */
export function logTelemetry(telemetry: EngineTelemetry, logger: Logger): void {
  telemetry.subscribe((name, fields) => {
    const { level, text } = LOUD[name] ?? { level: 'debug', text: name };
    // Building a line costs more than the turn that it is about
    if (!logger.isLevelEnabled(level)) return;
    const line: Record<string, unknown> = { signal: name, ...fields };
    if ('error' in line) line.error = messageOf(line.error);
    logger[level](line, text);
  });
}
