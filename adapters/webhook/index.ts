/** The webhook adapter's door: requests of twins to services outside. */
import type { Engine } from '../../engine/index.ts';
import { Reach } from './reach.ts';
import { type SinkOptions, webhookSink } from './sink.ts';

export { isAllowance } from './reach.ts';

export interface WebhookOptions {
  engine: Engine;
  /** Hosts, addresses and networks that may be reached although they are not public. */
  allow: readonly string[];
  secretOf: SinkOptions['secretOf'];
}

/** Opens the door. What is under way when it is disposed is sent again after the next start. */
export function startWebhooks({ engine, allow, secretOf }: WebhookOptions): AsyncDisposable {
  const stopping = new AbortController();
  const reach = new Reach(allow);
  const sink = engine.addSink(
    webhookSink({ clock: engine.clock, reach, secretOf, stopping: stopping.signal }),
  );
  return {
    async [Symbol.asyncDispose]() {
      sink[Symbol.dispose]();
      stopping.abort(new Error('the engine stops'));
    },
  };
}
