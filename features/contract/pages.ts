/** Lists, page by page. */
import { z } from 'zod';
import {
  type Engine,
  mustReadHome,
  type PageRequest,
  readingOf,
  type TwinReading,
} from '../../engine/index.ts';

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

/** A page of a list. */
export function listOf<S extends z.ZodType>(item: S) {
  return z.object({
    items: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .describe('Pass it as `cursor` for the next page; null on the last one.'),
  });
}
