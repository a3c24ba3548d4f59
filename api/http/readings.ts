import {
  type Engine,
  EngineError,
  type PageRequest,
  type Reader,
  type TwinReading,
  type TwinRow,
} from '../../engine/index.ts';
import { mustReadHome } from './existence.ts';

/**
 * A stored twin with its kind applied, for lists: one whose state cannot be read (its kind changed
 * without a migration) shows without its view and does not hide the others. Reading it alone says
 * what is wrong.
 */
export function readingOf(reader: Reader, row: TwinRow): TwinReading {
  try {
    return { row, view: reader.view(row) };
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'state-unreadable')) throw error;
    return { row, view: { reported: {}, desired: {}, settings: {} } };
  }
}

/** A page of the twins of a kind, for a list that is about that kind. @throws EngineError `unknown-home` */
export async function pageOfKind<T>(
  engine: Engine,
  { home, kind }: { home: string; kind: string },
  query: PageRequest,
  show: (reading: TwinReading) => T,
): Promise<{ items: T[]; nextCursor: string | null }> {
  await mustReadHome(engine, home);
  const { items, nextCursor } = await engine.storage.listTwins(home, { kind }, query);
  return { items: items.map((row) => show(readingOf(engine, row))), nextCursor };
}
