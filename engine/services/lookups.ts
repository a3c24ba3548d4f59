/** What must be there, read by name. */
import type { Reader, TwinReading } from '../log/reader.ts';
import { assertDeviceKind } from '../model/device-kinds.ts';
import { type Address, isName, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { HomeRow, TwinRow } from '../model/rows.ts';
import type { Page, PageRequest, StoreReads, TwinFilter } from '../storage/port.ts';

const NAME_HINT =
  'Names have 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit.';
const PAGE = 200;

/** @throws EngineError `unknown-home` for a text that can name no home, before the store is asked */
export function assertHomeName(home: string): void {
  if (isName(home)) return;
  throw new EngineError('unknown-home', `"${home}" is not the id of a home`, { hint: NAME_HINT });
}

/** @throws EngineError `unknown-home`, `unknown-twin` for texts that can name none, before the store is asked */
export function assertAddress({ home, twin }: Address): void {
  assertHomeName(home);
  if (isName(twin)) return;
  throw new EngineError('unknown-twin', `"${twin}" is not the id of a twin`, { hint: NAME_HINT });
}

export function unknownHome(home: string): EngineError {
  return new EngineError('unknown-home', `there is no home ${home}`);
}

export function unknownTwin(address: Address): EngineError {
  return new EngineError('unknown-twin', `there is no twin ${keyOf(address)}`);
}

/** @throws EngineError `unknown-home` */
export async function mustReadHome(
  { storage }: { storage: Pick<StoreReads, 'getHome'> },
  home: string,
): Promise<HomeRow> {
  assertHomeName(home);
  const found = await storage.getHome(home);
  if (!found) throw unknownHome(home);
  return found;
}

/** @throws EngineError `unknown-twin` */
export async function mustReadTwin(
  reader: Pick<Reader, 'readTwin'>,
  address: Address,
): Promise<TwinReading> {
  assertAddress(address);
  const reading = await reader.readTwin(address);
  if (!reading) throw unknownTwin(address);
  return reading;
}

/**
 * A twin that a device can speak for. One of a kind that is not loaded any more stays what it was.
 * @throws EngineError `unknown-twin`, `unknown-kind` for a twin that stands for no device
 */
export async function mustReadDevice(
  reader: Pick<Reader, 'readTwin' | 'kinds'>,
  address: Address,
): Promise<TwinReading> {
  const reading = await mustReadTwin(reader, address);
  const { kind } = reading.row;
  if (reader.kinds.has(kind)) assertDeviceKind(reader.kinds, kind);
  return reading;
}

/**
 * A stored twin with its kind applied, for lists: one whose state cannot be read (its kind changed without a migration)
 * shows without its view and does not hide the others. Reading it alone says what is wrong.
 */
export function readingOf(reader: Pick<Reader, 'view'>, row: TwinRow): TwinReading {
  try {
    return { row, view: reader.view(row) };
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'state-unreadable')) throw error;
    return { row, view: { reported: {}, desired: {}, settings: {} } };
  }
}

/** All that a list of the store holds, read page by page. @param limit of a page */
async function* itemsOf<T>(
  read: (page: PageRequest) => Promise<Page<T>>,
  limit = PAGE,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await read({ limit, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

export function twinsOf(
  { storage }: { storage: Pick<StoreReads, 'listTwins'> },
  home: string,
  filter: TwinFilter = {},
): AsyncGenerator<TwinRow> {
  return itemsOf((page) => storage.listTwins(home, filter, page));
}

export function homesOf({
  storage,
}: {
  storage: Pick<StoreReads, 'listHomes'>;
}): AsyncGenerator<HomeRow> {
  return itemsOf((page) => storage.listHomes(page));
}
