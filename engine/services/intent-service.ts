/** Commands and what became of them: open ones from their twins' states, ended ones from their rows. */

import type { Address } from '../model/envelope.ts';
import type { IntentRow } from '../model/rows.ts';
import { turnOfId } from '../model/turn-ids.ts';
import type { PendingIntent } from '../model/twin-state.ts';
import { shown } from '../outbox/sends.ts';
import { decodeCursor, toPage } from '../storage/cursor.ts';
import type { IntentFilter, Page, PageRequest } from '../storage/port.ts';
import { intentRow } from '../turn/intents.ts';
import type { Core } from './core.ts';

/** Which commands somebody asks for; `open`: those that have not come to their end. */
export interface CommandFilter extends Omit<IntentFilter, 'status'> {
  status?: IntentRow['status'] | 'open' | undefined;
}

export interface IntentService {
  /** Newest first. */
  listIntents(home: string, filter: CommandFilter, page: PageRequest): Promise<Page<IntentRow>>;
  getIntent(home: string, id: string): Promise<IntentRow | null>;
}

const OPEN: ReadonlySet<string | undefined> = new Set([
  undefined,
  'open',
  'pending',
  'sent',
  'acked',
]);
const ENDED: ReadonlySet<string | undefined> = new Set([
  ...[undefined, 'confirmed', 'failed', 'expired', 'superseded'],
]);
const NONE: Page<IntentRow> = { items: [], nextCursor: null };
/** The place beyond the latest moment: the newest comes after it. */
const NEWEST: [number, string] = [Number.MAX_VALUE, ''];

export function intentService({
  storage,
  sendOf,
}: Pick<Core, 'storage' | 'sendOf'>): IntentService {
  const open = (twin: Address & { incarnation: string }, intent: PendingIntent): IntentRow =>
    shown(intentRow(twin, intent, intent.status, 0), sendOf(twin, intent.id));

  async function listOpen(home: string, filter: CommandFilter): Promise<IntentRow[]> {
    const { twin, status, cause } = filter;
    const twins = await storage.listOpenCommands(home, twin ?? null);
    return twins
      .flatMap((of) => of.pending.map((intent) => open(of, intent)))
      .filter((intent) => status === undefined || status === 'open' || intent.status === status)
      .filter((intent) => cause === undefined || intent.cause === cause);
  }

  return {
    async listIntents(home, { status, ...filter }, page) {
      const after = decodeCursor<[number, string]>(page.cursor, ['number', 'string']) ?? NEWEST;
      // Open ones first: one that ends in between is found among those that have ended
      const opened = OPEN.has(status) ? await listOpen(home, { ...filter, status }) : [];
      const { items: ended, nextCursor } =
        status === 'open' || !ENDED.has(status)
          ? NONE
          : await storage.listEndedIntents(home, { ...filter, status }, page);
      const known = new Set(ended.map(({ id }) => id));
      const last = nextCursor === null ? undefined : ended.at(-1);
      const all = [
        ...ended,
        // Ended ones that the store has left for its next page stand among those that come later
        ...opened.filter(
          (intent) =>
            !known.has(intent.id) &&
            isAfter(intent, after) &&
            (last === undefined || newestFirst(intent, last) < 0),
        ),
      ].sort(newestFirst);
      const cut = toPage(all, page.limit, (row) => [row.createdAt, row.id]);
      return { ...cut, nextCursor: cut.nextCursor ?? nextCursor };
    },

    async getIntent(home, id) {
      const turn = turnOfId(id);
      if (turn?.home === home) {
        const twin = await storage.getTwin({ home, twin: turn.twin });
        const intent = twin?.state.pending.find((one) => one.id === id);
        if (twin && intent) return open(twin, intent);
      }
      return storage.getEndedIntent(home, id);
    },
  };
}

/** Whether a page that ended with `after` leaves it to the next one. */
function isAfter({ createdAt, id }: IntentRow, [at, last]: [number, string]): boolean {
  return createdAt < at || (createdAt === at && id < last);
}

function newestFirst(a: IntentRow, b: IntentRow): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}
