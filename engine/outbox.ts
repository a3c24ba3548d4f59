import { EngineError } from './errors.ts';
import { Lane, type LaneOptions } from './lane.ts';
import type { OutboxRow } from './rows.ts';
import type { Sink } from './sink.ts';

/**
 * Committed effects on their way out: at least once, in order per twin, each destination in a lane
 * of its own. The store is the truth; a lane in memory only spares reading it for every effect.
 */
export class Outbox implements AsyncDisposable {
  #lanes = new Map<string, Lane>();

  /** @param destinations names of all sinks that will ever be attached */
  constructor(destinations: Iterable<string>, options: LaneOptions) {
    for (const name of destinations) this.#lanes.set(name, new Lane(name, options));
  }

  /** Takes the effects of a committed batch. */
  add(rows: readonly OutboxRow[], withdrawn: readonly string[]): void {
    for (const lane of this.#lanes.values()) lane.withdraw(withdrawn);
    for (const row of rows) this.#lanes.get(row.destination)?.add(row);
    for (const lane of this.#lanes.values()) lane.kick();
  }

  attach(sink: Sink): Disposable {
    const lane = this.#lanes.get(sink.name);
    if (!lane) {
      throw new EngineError('bad-input', `no destination "${sink.name}" was declared`, {
        hint: `Declare it in EngineOptions.destinations; declared are: ${[...this.#lanes.keys()].join(', ')}.`,
      });
    }
    lane.attach(sink);
    return { [Symbol.dispose]: () => lane.detach() };
  }

  /** The destination may have become able to deliver. */
  wake(name: string): void {
    this.#lanes.get(name)?.wake();
  }

  /** What belonged to a deleted twin, or to all twins of a deleted home, goes nowhere any more. */
  forget(deleted: { home: string; twin?: string }): void {
    for (const lane of this.#lanes.values()) lane.forget(deleted);
  }

  /** Reads the store again, for rows that did not come through {@link add}. */
  reload(): void {
    for (const lane of this.#lanes.values()) lane.reload();
  }

  waiting(): Record<string, number> {
    return Object.fromEntries([...this.#lanes].map(([name, lane]) => [name, lane.waiting]));
  }

  get isIdle(): boolean {
    return [...this.#lanes.values()].every((lane) => lane.isIdle);
  }

  /** Resolves when nothing can be delivered now: all is delivered, or waits for its destination. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }
}
