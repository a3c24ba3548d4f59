import type { RecordedEffect } from './effect.ts';
import type { Address } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import type { AlertRow, IntentRow } from './rows.ts';

/** Something that has been committed. */
export type Change =
  | (Address & {
      type: 'twin';
      kind: string;
      revision: number;
      at: number;
      event: { type: string };
      eventId: string;
      cause: string | null;
      correlation: string;
      state: Json;
      reported: JsonObject;
      desired: JsonObject;
      effects: RecordedEffect[];
    })
  | (Address & { type: 'twin.removed' })
  | (Address & { type: 'intent'; intent: IntentRow })
  | (Address & { type: 'alert'; alert: AlertRow })
  /** The subscriber was too slow: this many changes were left out. Read the twins again. */
  | { type: 'lagged'; missed: number };

export interface Subscription extends Disposable, AsyncIterable<Change> {}

const QUEUE_LIMIT = 1_000;

/** Who listens to committed changes. A slow listener loses changes, is told so, and holds up nobody. */
export class ChangeFeed {
  #subscribers = new Set<Subscriber>();

  /** @param matches which changes the subscriber wants; `lagged` always reaches it */
  subscribe(matches: (change: Change) => boolean): Subscription {
    const subscriber = new Subscriber(matches, () => this.#subscribers.delete(subscriber));
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Whether building changes is worth the work. */
  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(change: Change): void {
    for (const subscriber of this.#subscribers) subscriber.offer(change);
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscriber of [...this.#subscribers]) subscriber[Symbol.dispose]();
  }
}

class Subscriber implements Subscription {
  #queue: Change[] = [];
  #missed = 0;
  #wake: (() => void) | undefined;
  #closed = false;
  readonly #matches: (change: Change) => boolean;
  readonly #onClose: () => void;

  constructor(matches: (change: Change) => boolean, onClose: () => void) {
    this.#matches = matches;
    this.#onClose = onClose;
  }

  offer(change: Change): void {
    if (!this.#matches(change)) return;
    if (this.#queue.length >= QUEUE_LIMIT) this.#missed++;
    else this.#queue.push(change);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Change> {
    while (!this.#closed) {
      const batch = this.#queue;
      const missed = this.#missed;
      this.#queue = [];
      this.#missed = 0;
      yield* batch;
      // Where they are missing, and not when it has caught up: one that is always too slow never does
      if (missed > 0) yield { type: 'lagged', missed };
      if (this.#queue.length === 0 && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#onClose();
    this.#wake?.();
  }
}
