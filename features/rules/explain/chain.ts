/** Follows a command, an alert or any other effect back to the first event that led to it. */
import {
  EngineError,
  type JournalRow,
  lifeOf,
  pastOf,
  type Reader,
  turnOfId,
} from '../../../engine/index.ts';
import { type Account, accountOf } from './account.ts';

/** One turn on the way. */
export interface Link {
  home: string;
  twin: string;
  kind: string;
  name: string;
  revision: number;
  /** When it happened, epoch ms. */
  at: number;
  event: JournalRow['event'];
  source: string;
  principal: string;
  /** The effect of this turn that led on. */
  effect: JournalRow['effects'][number] | null;
  /** What a rule decided, and why; null: it is no rule. */
  account: Account | null;
}

/** Longer chains end here; a cascade has at most 8 tells, but timers prolong it. */
const MAX_LINKS = 50;
/** Turns that are searched for the one that armed a timer. */
const MAX_SEARCHED = 500;

/**
 * The turns that led to an effect, the last one first.
 * @param id of an effect, a command or an alert: `home/twin@revision#n`
 * @throws EngineError `not-found` for an id that the journal does not hold (any more)
 */
export async function chainOf(reader: Reader, home: string, id: string): Promise<Link[]> {
  const links: Link[] = [];
  const first = turnOfId(id);
  if (first === null || first.home !== home) throw notFound(home, id);
  let at: Place | null = first;
  for (let effect: string | null = id; at !== null && links.length < MAX_LINKS; ) {
    const row: JournalRow | null = await rowAt(reader, home, at);
    if (!row) {
      if (links.length === 0) throw notFound(home, id);
      break;
    }
    links.push(await linkOf(reader, row, effect));
    effect = row.eventId;
    at = row.source === 'timer' ? await armedBy(reader, row) : turnOfId(row.eventId);
  }
  return links;
}

interface Place {
  twin: string;
  revision: number;
  /** The epoch, as an id of the turn carries it; absent: known from the journal itself. */
  life?: string;
}

/** Null also where a former twin of that address had such a turn, or one before the database went back to a backup. */
async function rowAt(
  reader: Reader,
  home: string,
  { twin, revision, life }: Place,
): Promise<JournalRow | null> {
  const [row] = await reader.storage.readJournal({ home, twin }, revision, 1);
  if (row?.revision !== revision) return null;
  if (life === undefined) return row;
  const stored = await reader.storage.getTwin({ home, twin });
  return stored && lifeOf(stored.incarnation, row.epoch) === life ? row : null;
}

async function linkOf(reader: Reader, row: JournalRow, effectId: string | null): Promise<Link> {
  const { home, twin, revision, at, event, source, principal, effects } = row;
  const stored = await reader.storage.getTwin({ home, twin });
  const effect =
    effects.find(({ id }) => effectId === id || effectId?.startsWith(`${id}~`)) ?? null;
  return {
    ...{ home, twin, revision, at, event, source, principal, effect },
    kind: stored?.kind ?? '',
    name: stored?.name ?? twin,
    account: stored?.kind === 'rule' ? await accountAt(reader, row) : null,
  };
}

async function accountAt(reader: Reader, row: JournalRow): Promise<Account | null> {
  const span = { from: row.receivedAt, to: row.receivedAt + 1 };
  for await (const past of pastOf(reader, row, span)) {
    if (past.row.revision === row.revision) return accountOf(past);
  }
  return null;
}

/** The turn that armed the timer that fired; null: one that its chart armed by itself. */
async function armedBy(
  reader: Reader,
  { home, twin, revision, event }: JournalRow,
): Promise<Place | null> {
  if (event.type !== 'timer.fired') return null;
  let cursor: string | undefined;
  for (let searched = 0; searched < MAX_SEARCHED; ) {
    const page = await reader.storage.listJournal({ home, twin }, { limit: 100, cursor });
    for (const row of page.items) {
      if (row.revision >= revision) continue;
      searched++;
      if (row.effects.some((effect) => arms(effect, event.timer))) {
        return { twin, revision: row.revision };
      }
    }
    if (page.nextCursor === null) return null;
    cursor = page.nextCursor;
  }
  return null;
}

/** A rule's timers carry their id in their event, as an effect's own id is that of the effect. */
function arms(effect: JournalRow['effects'][number], timer: unknown): boolean {
  return effect.type === 'schedule' && effect.event.what === timer;
}

function notFound(home: string, id: string): EngineError {
  return new EngineError('not-found', `home ${home} has no effect ${id} in its journal`, {
    hint: 'Ids of commands and alerts are in their lists; the journal is kept for a while only.',
  });
}
