/** The door at a broker elsewhere. */
import { BrokerSession } from './client.ts';
import type { CodecSet } from './codec-set.ts';
import { drained } from './drained.ts';
import { DynamicSecurity } from './dynamic-security.ts';
import type { Intake } from './intake.ts';
import {
  DEFAULT_RECEIVE_MAXIMUM,
  type ExternalMode,
  type MqttAdapter,
  type MqttOptions,
} from './options.ts';
import { rootOf } from './root.ts';
import { mqttSink, SINK_NAME } from './sink.ts';

const SEVEN_DAYS_S = 7 * 86_400;

export function external(
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
