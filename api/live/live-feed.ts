import type { Change, Engine } from '../../engine/index.ts';
import { type Ask, seen } from '../access/sight.ts';
import { readingOf } from '../http/readings.ts';
import { toTwin } from '../http/resources/twin.ts';
import { type LiveMessage, toLiveMessage } from './message.ts';

/** What a subscriber wants to see. */
export interface LiveFilter {
  home: string;
  kind?: string | undefined;
  twin?: string | undefined;
  /** Begin with the twins as they are. */
  snapshot: boolean;
}

export interface LiveFeed extends Disposable, AsyncIterable<LiveMessage> {}

const SNAPSHOT_PAGE = 100;
/** Kinds remembered per subscriber. */
const KINDS_KNOWN = 1_000;

/**
 * Subscribes, now; iterate to receive, as far as the reader may see it. Memory is bounded however slowly that goes: the engine's feed
 * leaves changes out and says so (`lagged`). Dispose it to end the iteration.
 *
 * With a snapshot the twins come first. What changes meanwhile follows after it, so that nothing is
 * missed; a change whose revision the snapshot already has can be told by its revision.
 */
export function openFeed(engine: Engine, filter: LiveFilter, may: Ask): LiveFeed {
  const subscription = engine.changes.subscribe((change) => concerns(filter, change));
  const kinds = new KindMemory(engine, filter.home);

  async function* all(): AsyncGenerator<LiveMessage> {
    if (filter.snapshot) yield* snapshot(engine, filter, kinds);
    for await (const change of subscription) {
      if (await isOfKind(filter, change, kinds)) yield toLiveMessage(change);
    }
  }

  async function* messages(): AsyncGenerator<LiveMessage> {
    for await (const message of all()) {
      const shown = await seen(may, message);
      if (shown) yield shown;
    }
  }

  return {
    [Symbol.asyncIterator]: messages,
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

async function* snapshot(
  engine: Engine,
  { home, kind, twin }: LiveFilter,
  kinds: KindMemory,
): AsyncGenerator<LiveMessage> {
  let twins = 0;
  if (twin !== undefined) {
    const reading = await engine.readTwin({ home, twin });
    if (reading && (kind === undefined || reading.row.kind === kind)) {
      kinds.note(twin, reading.row.kind);
      twins = 1;
      yield { event: 'snapshot', data: toTwin(reading) };
    }
  } else {
    let cursor: string | undefined;
    do {
      const page = await engine.storage.listTwins(home, { kind }, { limit: SNAPSHOT_PAGE, cursor });
      for (const row of page.items) {
        kinds.note(row.twin, row.kind);
        twins++;
        yield { event: 'snapshot', data: toTwin(readingOf(engine, row)) };
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }
  yield { event: 'snapshot.end', data: { twins } };
}

/** What can be decided at once, for every commit of every home: cheap. */
function concerns({ home, kind, twin }: LiveFilter, change: Change): boolean {
  if (change.type === 'lagged') return true;
  if (change.home !== home || (twin !== undefined && change.twin !== twin)) return false;
  return kind === undefined || change.type !== 'twin' || change.kind === kind;
}

/** Intents and alerts do not say of which kind their twin is. */
async function isOfKind({ kind }: LiveFilter, change: Change, kinds: KindMemory): Promise<boolean> {
  if (kind === undefined || change.type === 'lagged') return true;
  if (change.type === 'twin') {
    kinds.note(change.twin, change.kind);
    return true;
  }
  const known = await kinds.of(change.twin);
  if (change.type === 'twin.removed') kinds.forget(change.twin);
  // One message too many does less harm than an alert that nobody sees
  return known === null || known === kind;
}

/** Of which kind the twins of a home are; bounded. */
class KindMemory {
  #kinds = new Map<string, string>();
  readonly #engine: Engine;
  readonly #home: string;

  constructor(engine: Engine, home: string) {
    this.#engine = engine;
    this.#home = home;
  }

  note(twin: string, kind: string): void {
    if (this.#kinds.size >= KINDS_KNOWN && !this.#kinds.has(twin)) this.#kinds.clear();
    this.#kinds.set(twin, kind);
  }

  forget(twin: string): void {
    this.#kinds.delete(twin);
  }

  /** Null when it is gone, or the store cannot say. */
  async of(twin: string): Promise<string | null> {
    const known = this.#kinds.get(twin);
    if (known !== undefined) return known;
    // The stream goes on without the store; the caller lets the message through
    const row = await this.#engine.storage.getTwin({ home: this.#home, twin }).catch(() => null);
    if (row) this.note(twin, row.kind);
    return row?.kind ?? null;
  }
}
