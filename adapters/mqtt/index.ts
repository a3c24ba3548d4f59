/** The MQTT adapter's door. */
import type { Address } from '../../engine/index.ts';
import { BrokerSession } from './client.ts';
import type { Codec } from './codec.ts';
import { CodecSet } from './codec-set.ts';
import { homesyncCodec } from './codecs/homesync.ts';
import { foreignMessageCodec, messageCodec } from './codecs/messages.ts';
import { nativeCodec } from './codecs/native.ts';
import { templateCodec } from './codecs/template.ts';
import { loadTemplates } from './codecs/template-file.ts';
import { zigbee2mqttCodec } from './codecs/zigbee2mqtt.ts';
import { DynamicSecurity } from './dynamic-security.ts';
import { EmbeddedBroker } from './embedded-broker.ts';
import type { Provisioning } from './envelope-of.ts';
import { Intake } from './intake.ts';
import type { EmbeddedMode, ExternalMode, MqttAdapter, MqttOptions } from './options.ts';
import { RetainedDesired } from './retained-desired.ts';
import { mqttSink, SINK_NAME, type Transport } from './sink.ts';
import { isTopicName } from './topic.ts';

export type {
  AccountBook,
  Authenticator,
  BrokerAccount,
  Guest,
  TlsSource,
} from './authenticator.ts';
export { homesOfTemplates } from './codecs/template-homes.ts';
export { type Bridge, firstAccounts } from './dynamic-security-commands.ts';
export type { Provisioning } from './envelope-of.ts';
export type { ExternalMode, MqttAdapter, MqttOptions } from './options.ts';
export type { MqttListener, MqttSignals } from './signals.ts';

const DEFAULT_RECEIVE_MAXIMUM = 2_000;
const DEFAULT_DRAIN_MS = 5_000;
const SEVEN_DAYS_S = 7 * 86_400;

/**
 * Opens the door. An external broker that is away does not keep it from starting.
 * @throws Error for options that cannot work: a bad root, template file, port, host without users
 */
export async function startMqtt(options: MqttOptions): Promise<MqttAdapter> {
  const { engine, mode, signal } = options;
  const codecs = await codecsOf(options);
  let online: Address[] = [];
  const intake = new Intake({
    engine,
    codecs,
    provisioning: policyOf(options),
    signal,
    limit: options.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
    onOnline: wakeSoon,
  });

  /** Once for all devices that come back together. */
  function wakeSoon(device: Address): void {
    online.push(device);
    if (online.length > 1) return;
    setImmediate(() => {
      const devices = online;
      online = [];
      engine.wakeSink(SINK_NAME, devices);
    });
  }

  try {
    return 'url' in mode
      ? external(options, mode, codecs, intake)
      : await embedded(options, mode, codecs, intake);
  } catch (error) {
    intake[Symbol.dispose]();
    throw error;
  }
}

function external(
  options: MqttOptions,
  mode: ExternalMode,
  codecs: CodecSet,
  intake: Intake,
): MqttAdapter {
  const { engine, signal } = options;
  const url = withoutPassword(mode.url);
  const { clientId = 'homeostat', username, password, tls = {} } = mode;
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...tls,
  };
  const first = signalOnce();
  const session = new BrokerSession({
    url: mode.url,
    shownUrl: url,
    credentials,
    clientId,
    receiveMaximum: options.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
    sessionExpirySeconds: mode.sessionExpirySeconds ?? SEVEN_DAYS_S,
    reconnect: mode.reconnect ?? { firstMs: 500, maxMs: 30_000 },
    random: options.random ?? Math.random,
    clock: engine.clock,
    filters: codecs.filters,
    intake,
    signal,
    onReady: () => {
      first.resolve();
      engine.wakeSink(SINK_NAME);
    },
  });
  const { publisher } = session;
  const sink = engine.addSink(mqttSink(codecs, publisher, engine.clock));
  const accounts =
    mode.accounts &&
    new DynamicSecurity({
      url: mode.url,
      connect: { ...credentials, clientId: `${clientId}-accounts` },
      root: rootOf(options),
      book: mode.accounts,
      clock: engine.clock,
      signal,
    });
  return {
    url,
    connected: () => session.ready,
    whenConnected: () => first.promise,
    stats: () => ({ connected: session.ready, underway: intake.underway }),
    announce: async (account, secret) => await accounts?.put(account, secret),
    async [Symbol.asyncDispose]() {
      await accounts?.[Symbol.asyncDispose]();
      session.stopTaking();
      intake[Symbol.dispose]();
      sink[Symbol.dispose]();
      await drained(options, intake);
      // Before the goodbye, which would wait for what the broker has not acknowledged
      publisher[Symbol.dispose]();
      await session.end();
    },
  };
}

async function embedded(
  options: MqttOptions,
  { embedded: where }: EmbeddedMode,
  codecs: CodecSet,
  intake: Intake,
): Promise<MqttAdapter> {
  const { engine, signal } = options;
  const root = rootOf(options);
  let retained: RetainedDesired | undefined;
  const broker = await EmbeddedBroker.listen(
    {
      ...where,
      root,
      clock: engine.clock,
      signal,
      onReachable: () => engine.wakeSink(SINK_NAME),
    },
    intake,
    (publisher) => {
      const desired = new RetainedDesired({
        engine,
        codecs,
        root,
        publish: (said) => publisher.publish(said),
      });
      retained = desired;
      return (filter) => desired.restore(filter);
    },
  );
  const transport: Transport = {
    send: (row, outgoing) => {
      if (outgoing.retain) retained?.published(row);
      return broker.publisher.send(row, outgoing);
    },
  };
  const sink = engine.addSink(mqttSink(codecs, transport, engine.clock));
  let open = true;
  return {
    url: broker.url,
    connected: () => open,
    whenConnected: () => Promise.resolve(),
    stats: () => ({ connected: open, underway: intake.underway }),
    // It asks the authenticator
    announce: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      open = false;
      intake[Symbol.dispose]();
      sink[Symbol.dispose]();
      await drained(options, intake);
      await broker[Symbol.asyncDispose]();
    },
  };
}

function policyOf({ provisioning }: MqttOptions): (home: string) => Provisioning {
  return typeof provisioning === 'function' ? provisioning : () => provisioning;
}

async function codecsOf(options: MqttOptions): Promise<CodecSet> {
  const native = nativeCodec(rootOf(options));
  // Before the native one, which takes everything else below the root
  const codecs: Codec[] = [messageCodec(rootOf(options)), native];
  if (options.zigbee2mqtt) {
    const { base = 'zigbee2mqtt', home = 'home' } = options.zigbee2mqtt;
    codecs.push(zigbee2mqttCodec({ base, home }));
  }
  if (options.homesync) codecs.push(homesyncCodec());
  if (typeof options.templatesFile === 'string') {
    codecs.push(templateCodec(await loadTemplates(options.templatesFile)));
  }
  codecs.push(foreignMessageCodec(options.messages ?? []));
  return new CodecSet(codecs, native);
}

function rootOf({ root = 'homeostat' }: MqttOptions): string {
  if (!isTopicName(root) || root.startsWith('$') || root.startsWith('/') || root.endsWith('/')) {
    throw new Error(
      `"${root}" cannot be the MQTT root: use a topic such as "homeostat" or "site/homeostat".`,
    );
  }
  return root;
}

/** Waits for what was dispatched to commit and be acknowledged, but not for ever: the broker keeps the rest. */
async function drained(
  { engine, drainMs = DEFAULT_DRAIN_MS }: MqttOptions,
  intake: Intake,
): Promise<void> {
  let alarm: Disposable | undefined;
  const late = new Promise<void>((resolve) => {
    alarm = engine.clock.delay(drainMs, resolve);
  });
  await Promise.race([intake.idle(), late]);
  alarm?.[Symbol.dispose]();
  // The acknowledgements of what has just been committed leave within two ticks
  for (let tick = 0; tick < 2; tick++) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise that can be resolved from outside. */
function signalOnce(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
