import { EngineError } from '../../errors.ts';

/**
 * Keeps the outbox readable in order. Shards commit at the same time, and a sequence gives out
 * positions before a commit is visible: a reader that has seen position 6 and goes on from there
 * would never see the 5 that becomes visible later. Whatever a writer takes lies above every position
 * known when it began, so reading stops at the lowest such mark of the writers that are still out.
 */
export class Positions {
  /** The highest position of a finished write; null before this process is the writer. */
  #known: number | null = null;
  readonly #out = new Map<string, number>();

  /** @param highest the highest position stored */
  begin(highest: number): void {
    this.#known = highest;
    this.#out.clear();
  }

  /**
   * @param writer whoever may repeat a write whose answer was lost does so under the same name: until
   * then it counts as out
   * @param write gives the highest position that it took
   */
  async during(writer: string, write: () => Promise<number | null>): Promise<void> {
    if (!this.#out.has(writer)) this.#out.set(writer, this.#known ?? 0);
    try {
      this.#see(await write());
      this.#out.delete(writer);
    } catch (error) {
      if (!wasLost(error)) this.#out.delete(writer);
      throw error;
    }
  }

  #see(position: number | null): void {
    if (position !== null) this.#known = Math.max(this.#known ?? 0, position);
  }

  /**
   * The last position that is safe to read; null: all are. Never beyond what is known, since a write
   * may begin while the reader's question is on its way.
   */
  get horizon(): number | null {
    return this.#known === null ? null : Math.min(this.#known, ...this.#out.values());
  }
}

/** Whether the write may yet happen on the server. */
function wasLost(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'storage-unavailable';
}
