import {
  type Address,
  type DeadLetterRow,
  type IntentRow,
  type JournalRow,
  keyOf,
  type LoadedTwin,
  type OutboxRow,
  openStorage,
  type ReplayReport,
  replay,
  type Storage,
} from '../../engine/index.ts';
import { kinds } from '../../twins/catalogue.ts';

const PAGE = 1_000;
const MOST_PENDING = 100_000;

/** Everything that the store says, read while no engine runs. */
export interface Evidence {
  twins: TwinEvidence[];
  intents: Map<string, IntentRow>;
  outbox: OutboxRow[];
  deadLetters: DeadLetterRow[];
  /** When it was read, by the system's clock. */
  readAt: number;
}

export interface TwinEvidence {
  twin: LoadedTwin;
  /** Oldest first. */
  journal: JournalRow[];
  /** Folding the journal from the twin's birth, and from its latest checkpoint. */
  replays: ReplayReport[];
}

export async function gather(databaseUrl: string): Promise<Evidence> {
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  const evidence: Evidence = {
    twins: [],
    intents: new Map(),
    outbox: await pending(storage),
    deadLetters: await all((page) => storage.listDeadLetters(null, page)),
    readAt: Date.now(),
  };
  for (const { id: home } of await all((page) => storage.listHomes(page))) {
    for (const row of await all((page) => storage.listTwins(home, {}, page))) {
      evidence.twins.push(await evidenceOf(storage, { home, twin: row.twin }));
    }
    for (const intent of await all((page) => storage.listIntents(home, {}, page))) {
      evidence.intents.set(intent.id, intent);
    }
  }
  return evidence;
}

/** What has not left yet; the engine may run. */
export async function outboxOf(databaseUrl: string): Promise<OutboxRow[]> {
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  return await pending(storage);
}

async function pending(storage: Storage): Promise<OutboxRow[]> {
  return (await storage.pendingDeliveries(0, MOST_PENDING)).map(({ row }) => row);
}

async function evidenceOf(storage: Storage, address: Address): Promise<TwinEvidence> {
  const twin = await storage.getTwin(address);
  if (!twin) throw new Error(`${keyOf(address)} is listed and cannot be read`);
  const journal: JournalRow[] = [];
  for (;;) {
    const from = (journal.at(-1)?.revision ?? -1) + 1;
    const rows = await storage.readJournal(address, from, PAGE);
    journal.push(...rows);
    if (rows.length < PAGE) break;
  }
  const reader = { storage, kinds: new Map(kinds.map((kind) => [kind.kind, kind])) };
  const replays = [
    await replay(reader, address, { fromBirth: true }),
    await replay(reader, address),
  ];
  return { twin, journal, replays };
}

async function all<T>(
  read: (page: { limit: number; cursor?: string | undefined }) => Promise<{
    items: T[];
    nextCursor: string | null;
  }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ limit: PAGE, cursor });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}
