/**
 * What happened in a home, newest first, by filters. Found by index (a twin's turns by their revisions, a home's by
 * their time), and what the filters drop is looked at in bounded stretches: a page may end before it is full.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import { firstSince } from '../log/past.ts';
import type { JournalRow } from '../model/rows.ts';
import { cursorOf, decodeCursor, toPage } from '../storage/cursor.ts';
import type { Page, PageRequest, Storage, TurnFilter, TurnKey } from '../storage/port.ts';

export interface JournalFilter extends TurnFilter {
  twin?: string | undefined;
  /** Epoch ms, inclusive. */
  from?: number | undefined;
  /** Epoch ms, exclusive. */
  to?: number | undefined;
}

type JournalStorage = Pick<
  Storage,
  'getTwin' | 'readJournal' | 'listTurns' | 'listHomeTurns' | 'momentBefore'
>;

/** Turns that are looked at in one go, and for one page. */
const STRETCH = 5_000;
const MAX_LOOKED_AT = 4 * STRETCH;

/** A stretch of the journal: what of it passes, and where the next one begins; null: nothing is left. */
type Stretch = { rows: JournalRow[]; next: TurnKey | null };

/** @throws EngineError `bad-input` for a cursor that no page has given out */
export async function readHomeJournal(
  storage: JournalStorage,
  home: string,
  filter: JournalFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<JournalRow>> {
  const given = decodeCursor<[number, string, number]>(cursor, ['number', 'string', 'integer']);
  const read =
    filter.twin === undefined
      ? homeStretches(storage, home, filter)
      : await twinStretches(storage, { home, twin: filter.twin }, filter, given === null);
  const found: JournalRow[] = [];
  let next: TurnKey | null = given ?? read.first;
  for (let looked = 0; next && looked < MAX_LOOKED_AT; looked += STRETCH) {
    if (looked > 0) await nextTick();
    const stretch: Stretch = await read.before(next, limit + 1 - found.length);
    found.push(...stretch.rows);
    if (found.length > limit) break;
    next = stretch.next;
  }
  const page = toPage(found, limit, keyOf);
  if (page.nextCursor !== null || next === null) return page;
  return { ...page, nextCursor: cursorOf(next) };
}

interface Stretches {
  /** Where the newest page begins; null: there is nothing. */
  first: TurnKey | null;
  /** @param limit rows, at most */
  before(key: TurnKey, limit: number): Promise<Stretch>;
}

function homeStretches(storage: JournalStorage, home: string, filter: JournalFilter): Stretches {
  const { from = Number.NEGATIVE_INFINITY, to = Number.MAX_VALUE } = filter;
  return {
    first: beforeMoment(to),
    async before(key, limit) {
      const floor = await storage.momentBefore(home, key[0], STRETCH);
      const isLast = floor === null || floor <= from;
      const since = isLast ? Math.max(from, -Number.MAX_VALUE) : floor;
      const rows = await storage.listHomeTurns(home, since, key, filter, limit);
      return { rows, next: isLast ? null : beforeMoment(floor) };
    },
  };
}

async function twinStretches(
  storage: JournalStorage,
  address: { home: string; twin: string },
  filter: JournalFilter,
  isFirstPage: boolean,
): Promise<Stretches> {
  const { from, to } = filter;
  const twin = await storage.getTwin(address);
  if (!twin) return { first: null, before: async () => ({ rows: [], next: null }) };
  const lowest = from === undefined ? 0 : await firstSince(storage, twin, from);
  // A later page begins at its cursor
  const end = isFirstPage && to !== undefined ? await firstSince(storage, twin, to) : null;
  return {
    first: lowest === null ? null : [0, twin.twin, end ?? twin.revision + 1],
    async before([, , revision], limit) {
      const least = lowest ?? revision;
      const since = Math.max(least, revision - STRETCH);
      const range = { from: since, to: revision };
      const rows = await storage.listTurns(address, range, filter, limit);
      return { rows, next: since > least ? [0, twin.twin, since] : null };
    },
  };
}

function keyOf({ receivedAt, twin, revision }: JournalRow): TurnKey {
  return [receivedAt, twin, revision];
}

/** The place before all turns of that moment. */
function beforeMoment(at: number): TurnKey {
  return [at, '', -1];
}
