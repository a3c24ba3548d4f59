import type { Engine, Inbound, Receipt } from '../../engine/index.ts';
import { EngineError } from '../../engine/index.ts';

interface Waiting {
  envelope: Inbound;
  resolve: (receipt: Promise<Receipt>) => void;
  reject: (error: unknown) => void;
}

/**
 * Envelopes of one home that found its mailbox full, in order of arrival. Whatever comes later for
 * the home queues here too, or it would overtake.
 */
export class WaitingQueue {
  #queue: Waiting[] = [];
  readonly #engine: Pick<Engine, 'dispatch' | 'hasRoom'>;
  readonly #home: string;

  constructor(engine: Pick<Engine, 'dispatch' | 'hasRoom'>, home: string) {
    this.#engine = engine;
    this.#home = home;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Resolves with the receipt, after commit. */
  enqueue(envelope: Inbound): Promise<Receipt> {
    return new Promise((resolve, reject) => this.#queue.push({ envelope, resolve, reject }));
  }

  /** Hands on everything that waits; resolves when the queue is empty. */
  async drain(): Promise<void> {
    for (;;) {
      const [head] = this.#queue;
      if (!head) return;
      try {
        await this.#engine.hasRoom(this.#home);
      } catch (error) {
        // The engine is stopping: nothing of this is dispatched, so nothing is acknowledged
        for (const { reject } of this.#queue.splice(0)) reject(error);
        return;
      }
      const receipt = this.#engine.dispatch(head.envelope);
      if (await refusedAtOnce(receipt)) continue;
      this.#queue.shift();
      head.resolve(receipt);
    }
  }
}

export function isOverloaded(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'overloaded';
}

/** A full mailbox refuses in the same tick; a receipt takes a commit. */
function refusedAtOnce(receipt: Promise<Receipt>): Promise<boolean> {
  const refusal = receipt.then(() => false, isOverloaded);
  const tick = new Promise<boolean>((resolve) => setImmediate(resolve, false));
  return Promise.race([refusal, tick]);
}
