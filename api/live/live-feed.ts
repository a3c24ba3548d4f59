import {
  type Change,
  type Engine,
  type HomeChange,
  Pace,
  parsePosition,
  readingOf,
} from '../../engine/index.ts';
import { toTwin } from '../../features/contract/twin.ts';
import type { Rights } from '../access/rights.ts';
import { askOfRemoved, seen } from '../access/visibility.ts';
import { gapMessage, type LiveMessage, type PlacedMessage, toPlacedMessage } from './message.ts';

/** What a subscriber wants to see. */
export interface LiveFilter {
  home: string;
  kind?: string | undefined;
  twin?: string | undefined;
  /** Begin with the twins as they are; where it goes on from a position: only if it cannot. */
  snapshot: boolean;
  /** The id of the last message that the subscriber has got; absent: from now on. */
  resume?: string | undefined;
}

export interface LiveFeed extends Disposable, AsyncIterable<PlacedMessage> {
  /** Tells the subscriber up to where it has been told everything, though little or nothing of it was for it. */
  mark(): void;
}

/** A message, and the change that it tells of. */
interface Told {
  message: PlacedMessage;
  change?: HomeChange;
}

/** All streams together: what they are told costs nobody else more than this, ms. */
const pace = new Pace(5);

const SNAPSHOT_PAGE = 100;
/** Kinds remembered per subscriber. */
const KINDS_KNOWN = 1_000;

/**
 * Subscribes, now; iterate to receive, as far as the reader may see it. Memory is bounded however slowly that goes: the engine's feed
 * leaves changes out and says so (`lagged`). Dispose it to end the iteration.
 *
 * With a snapshot the twins come first. What changes meanwhile follows after it, so that nothing is
 * missed; a change whose revision the snapshot already has can be told by its revision. Until the snapshot has
 * ended no message has an id: who is cut off in it begins anew.
 */
export function openFeed(
  engine: Engine,
  filter: LiveFilter,
  { may, account }: Pick<Rights, 'may' | 'account'>,
): LiveFeed {
  const { home, resume } = filter;
  const from = resume === undefined ? null : parsePosition(resume);
  const matches = (change: HomeChange) => concerns(filter, change);
  const subscription = engine.changes.follow(home, matches, from, account);
  const kinds = new KindMemory(engine, home);

  async function* all(): AsyncGenerator<Told> {
    if (resume !== undefined && from === null) yield { message: gapMessage('malformed') };
    if (filter.snapshot && from === null) yield* snapshot(engine, filter, kinds);
    for await (const change of subscription) {
      if (!(await isOfKind(filter, change, kinds))) continue;
      yield { message: toPlacedMessage(change), ...('home' in change && { change }) };
      if (change.type === 'gap' && filter.snapshot) yield* snapshot(engine, filter, kinds);
    }
  }

  /** What the reader sees of it. */
  async function visibilityOf(
    message: LiveMessage,
    change?: HomeChange,
  ): Promise<LiveMessage | null> {
    const shown = await seen(may, message);
    // Looked at afterwards: what was granted of a successor was granted after the removal
    if (!change || !subscription.isOfRemovedTwin(change)) return shown;
    return seen(askOfRemoved(may), message);
  }

  async function* messages(): AsyncGenerator<PlacedMessage> {
    let told: string | undefined;
    for await (const { message: placed, change } of all()) {
      const others = pace.wait();
      if (others) await others;
      const { id, ...message } = placed;
      const shown = await visibilityOf(message, change);
      if (!shown || (shown.event === 'position' && id === told)) continue;
      if (id !== undefined) told = id;
      yield { ...shown, ...(id !== undefined && { id }) };
    }
  }

  return {
    mark: () => subscription.mark(),
    [Symbol.asyncIterator]: messages,
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

async function* snapshot(
  engine: Engine,
  { home, kind, twin }: LiveFilter,
  kinds: KindMemory,
): AsyncGenerator<Told> {
  let twins = 0;
  if (twin !== undefined) {
    const reading = await engine.readTwin({ home, twin });
    if (reading && (kind === undefined || reading.row.kind === kind)) {
      kinds.note(twin, reading.row.kind);
      twins = 1;
      yield { message: { event: 'snapshot', data: toTwin(reading) } };
    }
  } else {
    let cursor: string | undefined;
    do {
      const page = await engine.storage.listTwins(home, { kind }, { limit: SNAPSHOT_PAGE, cursor });
      for (const row of page.items) {
        kinds.note(row.twin, row.kind);
        twins++;
        yield { message: { event: 'snapshot', data: toTwin(readingOf(engine, row)) } };
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }
  yield { message: { event: 'snapshot.end', data: { twins } } };
}

/** What can be decided at once, for every commit of the home: cheap. */
function concerns({ kind, twin }: LiveFilter, change: HomeChange): boolean {
  if (twin !== undefined && change.twin !== twin) return false;
  return kind === undefined || change.type !== 'twin' || change.kind === kind;
}

/** Intents and alerts do not say of which kind their twin is. */
async function isOfKind({ kind }: LiveFilter, change: Change, kinds: KindMemory): Promise<boolean> {
  if (kind === undefined || !('home' in change)) return true;
  if (change.type === 'twin') {
    kinds.note(change.twin, change.kind);
    return true;
  }
  const known = await kinds.of(change.twin);
  if (change.type === 'twin.removed') kinds.forget(change.twin);
  // One message too many does less harm than an alert that nobody sees
  return known === null || known === kind;
}

/** Remembers which kind each twin of a home is; bounded. */
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
