/** Deliveries as the store has them: in the log, and parked. */

import { type Address, keyOf } from '../model/envelope.ts';
import type { DeliveryRow, LoadedTwin, Position } from '../model/rows.ts';
import type { Storage } from '../storage/port.ts';
import { deliveriesOf } from '../turn/deliveries.ts';
import type { Destinations } from '../turn/turned.ts';

const PAGE = 1_000;

type Reading = Pick<Storage, 'readLog' | 'load' | 'listParked' | 'listParkedOf' | 'getEndedIntent'>;

/** What turns in a range of positions send to a destination. A command that its twin does not wait for any more is left out. */
export async function readDeliveries(
  storage: Reading,
  destinations: Destinations,
  destination: string,
  after: number,
  upTo: number,
): Promise<{ position: Position; rows: DeliveryRow[] }[]> {
  const log = await storage.readLog(after, upTo);
  const sending = log.filter(({ effects, desired }) => effects.length > 0 || desired !== null);
  const twins = await loadTwins(storage, sending);
  return log.map((row) => {
    const twin = twins.get(keyOf(row));
    const rows = twin ? deliveriesOf(row, twin, destinations) : [];
    return {
      position: { writer: row.writer, seq: row.seq },
      rows: rows.filter((one) => one.destination === destination && isWanted(one, twin)),
    };
  });
}

/** A page of what is parked for a destination, and what of it has come to its end without a word to the store. */
export async function readParked(
  storage: Reading,
  destination: string,
  after: number,
): Promise<{ rows: DeliveryRow[]; over: string[]; next: number | null }> {
  const page = await storage.listParked(after, PAGE);
  const ours = page.flatMap(({ row }) => (row.destination === destination ? [row] : []));
  return {
    ...(await wanted(storage, ours)),
    next: page.length < PAGE ? null : (page.at(-1)?.place ?? null),
  };
}

/** The first `most` rows of each twin that are parked for a destination; `more`: keys of twins that have others. */
export async function readParkedOf(
  storage: Reading,
  destination: string,
  twins: readonly Address[],
  most: number,
): Promise<{ rows: DeliveryRow[]; over: string[]; more: ReadonlySet<string> }> {
  const found = await storage.listParkedOf(destination, twins, most);
  const counts = new Map<string, number>();
  for (const row of found) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  const more = new Set([...counts].flatMap(([key, count]) => (count === most ? [key] : [])));
  return { ...(await wanted(storage, found)), more };
}

async function wanted(
  storage: Reading,
  parked: readonly DeliveryRow[],
): Promise<{ rows: DeliveryRow[]; over: string[] }> {
  const twins = await loadTwins(storage, parked);
  const over = new Set<string>();
  for (const row of parked) {
    const twin = twins.get(keyOf(row));
    if (!twin) {
      // It was removed while this was being parked
      over.add(row.id);
      continue;
    }
    if (isWanted(row, twin)) continue;
    // One that was refused by its destination, and revived, is sent although its intent has failed
    const ended = await storage.getEndedIntent(row.home, row.id);
    if (ended && ended.status !== 'failed') over.add(row.id);
  }
  return { rows: parked.filter(({ id }) => !over.has(id)), over: [...over] };
}

async function loadTwins(
  storage: Reading,
  addresses: readonly Address[],
): Promise<Map<string, LoadedTwin>> {
  const wanted = new Map(
    addresses.map(({ home, twin }) => [keyOf({ home, twin }), { home, twin }]),
  );
  if (wanted.size === 0) return new Map();
  const twins = await storage.load([...wanted.values()]);
  return new Map(twins.map((twin) => [keyOf(twin), twin]));
}

function isWanted({ id, delivery }: DeliveryRow, twin: LoadedTwin | undefined): boolean {
  if (delivery.type !== 'command') return true;
  return twin?.state.pending.some((intent) => intent.id === id) ?? false;
}
