import {
  type Address,
  type DeadLetterRow,
  type DeliveryRow,
  type IntentRow,
  intentService,
  type JournalRow,
  keyOf,
  type LoadedTwin,
  openStorage,
  type ReplayReport,
  readDeliveries,
  replay,
  type Storage,
} from '../../engine/index.ts';
import { kinds } from '../../twins/catalogue.ts';
import { type ProjectionEvidence, projectionEvidence } from './projection-invariants.ts';

const PAGE = 1_000;
const MAX_PENDING = 100_000;
const DESTINATIONS = { command: 'mqtt', desired: 'mqtt' };

/** Everything that the store says, read while no engine runs. */
export interface Evidence {
  twins: TwinEvidence[];
  intents: Map<string, IntentRow>;
  outbox: DeliveryRow[];
  deadLetters: DeadLetterRow[];
  projection: ProjectionEvidence | null;
  /** When the reading began, by the system's clock: the engine had just stopped. */
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
  // To read everything can take many seconds, in which timers become due that nothing could fire
  const readAt = Date.now();
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  const homes = (await all((page) => storage.listHomes(page))).map(({ id }) => id);
  const evidence: Evidence = {
    twins: [],
    intents: new Map(),
    outbox: [...(await parked(storage)), ...(await aboveCursors(storage))],
    deadLetters: await all((page) => storage.listDeadLetters(null, page)),
    projection: await projectionEvidence(storage, homes),
    readAt,
  };
  const intents = intentService({
    storage,
    sendOf: () => ({ sentAt: null, handedAt: null, attempts: 0 }),
  });
  for (const home of homes) {
    for (const row of await all((page) => storage.listTwins(home, {}, page))) {
      evidence.twins.push(await evidenceOf(storage, { home, twin: row.twin }));
    }
    for (const intent of await all((page) => intents.listIntents(home, {}, page))) {
      evidence.intents.set(intent.id, intent);
    }
  }
  return evidence;
}

/** What is parked; the engine may run. */
export async function parkedIn(databaseUrl: string): Promise<DeliveryRow[]> {
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  return await parked(storage);
}

/** Everything that has not left, while no engine runs. */
export async function undeliveredIn(databaseUrl: string): Promise<DeliveryRow[]> {
  await using storage = await openStorage(databaseUrl, { deadLettersPerHome: 1_000 });
  return [...(await parked(storage)), ...(await aboveCursors(storage))];
}

async function parked(storage: Storage): Promise<DeliveryRow[]> {
  return (await storage.listParked(0, MAX_PENDING)).map(({ row }) => row);
}

/** What stands in the log above the cursors of the engine that has stopped. */
async function aboveCursors(storage: Storage): Promise<DeliveryRow[]> {
  await using lease = await storage.acquire('evidence', 1, 15_000);
  const cursors = lease.writers.map(({ cursors: { mqtt }, seq }) => mqtt ?? seq);
  const head = Math.max(...lease.writers.map(({ seq }) => seq));
  const of = new Map(lease.writers.map(({ writer }, at) => [writer, cursors[at] ?? head]));
  const turns = await readDeliveries(storage, DESTINATIONS, 'mqtt', Math.min(...cursors), head);
  return turns
    .filter(({ position }) => position.seq > (of.get(position.writer) ?? head))
    .flatMap(({ rows }) => rows);
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
