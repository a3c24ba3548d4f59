/** What the outbox learns of commands, told to their twins and to those who watch. */
import type { ChangeFeed } from '../log/change-feed.ts';
import type { Address, EventData } from '../model/envelope.ts';
import type { DeliveryRow } from '../model/rows.ts';
import type { Sends } from '../outbox/sends.ts';
import { type Core, requestEnvelope } from './core.ts';
import type { IntentService } from './intent-service.ts';

interface Parts {
  core: Core;
  sends: Sends;
  changes: ChangeFeed;
  intents: Pick<IntentService, 'getIntent'>;
}

export class CommandNews {
  readonly #parts: Parts;
  /** Commands that are being read, to tell that they have been sent. */
  readonly #reading = new Map<string, symbol>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A delivery is handed to its destination. */
  sending({ id, delivery, attempts }: DeliveryRow): void {
    if (delivery.type !== 'command') return;
    const { sends, core } = this.#parts;
    sends.sending(id, attempts + 1, core.clock.now(), delivery.expiresAt);
  }

  /** Its destination has taken it. */
  sent({ home, twin, id, delivery }: DeliveryRow): void {
    const { sends, core, changes } = this.#parts;
    sends.sent(id, core.clock.now());
    if (changes.isFollowed(home)) void this.#publishSent(home, id);
    const kind = core.kinds.get(delivery.kind);
    if (kind && 'intent.sent' in kind.events) {
      this.#inform({ home, twin }, id, { type: 'intent.sent', intent: id });
    }
  }

  /** It cannot be delivered. */
  dead({ home, twin, id, delivery }: DeliveryRow, error: string): void {
    if (delivery.type !== 'command') return;
    this.#inform({ home, twin }, id, { type: 'ack', intent: id, ok: false, error });
  }

  /** A turn has told more of the command: what is being read of it is out of date. */
  overtaken(id: string): void {
    this.#reading.delete(id);
  }

  async #publishSent(home: string, id: string): Promise<void> {
    const reading = Symbol(id);
    this.#reading.set(id, reading);
    const intent = await this.#parts.intents.getIntent(home, id).catch(() => null);
    if (this.#reading.get(id) !== reading) return;
    this.#reading.delete(id);
    if (intent?.status !== 'sent') return;
    this.#parts.changes.publish({ type: 'intent', home, twin: intent.twin, intent });
  }

  /** Tells a twin what became of its command. Nobody waits; a failure shows in the signals. */
  #inform(address: Address, cause: string, event: EventData): void {
    const { core } = this.#parts;
    const by = { principal: 'engine', source: 'engine' };
    const envelope = requestEnvelope(core, address, event, by);
    core
      .post({ ...envelope, cause, correlation: cause })
      .catch((error: unknown) =>
        core.telemetry.emit('background.failed', { task: event.type, error }),
      );
  }
}
