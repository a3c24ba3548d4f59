/** The door at a broker of our own. */
import type { CodecSet } from './codec-set.ts';
import { drained } from './drained.ts';
import { EmbeddedBroker } from './embedded-broker.ts';
import type { Intake } from './intake.ts';
import type { EmbeddedMode, MqttAdapter, MqttOptions } from './options.ts';
import { RetainedDesired } from './retained-desired.ts';
import { rootOf } from './root.ts';
import { mqttSink, SINK_NAME, type Transport } from './sink.ts';

export async function embedded(
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
