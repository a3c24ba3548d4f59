/** Whose past matters to a rule. */
import { type Reader, twinsOf } from '../../../engine/index.ts';
import type { Watch } from '../../../engine/kind.ts';
import type { Program } from '../kind/program.ts';

/** The twins of the home that a rule watches or reads, without itself. */
export async function watchedBy(
  reader: Reader,
  home: string,
  rule: string,
  program: Program,
): Promise<string[]> {
  const found = new Set<string>(program.reads.map(({ twin }) => twin));
  for (const watch of program.watches) {
    for (const id of await membersOf(reader, home, watch)) found.add(id);
  }
  found.delete(rule);
  const there: string[] = [];
  for (const twin of found) if (await reader.storage.getTwin({ home, twin })) there.push(twin);
  return there.sort();
}

async function membersOf(reader: Reader, home: string, watch: Watch): Promise<string[]> {
  if ('twin' in watch) return [watch.twin];
  const filter =
    'room' in watch ? { room: watch.room } : 'kind' in watch ? { kind: watch.kind } : {};
  const ids: string[] = [];
  for await (const { twin } of twinsOf(reader, home, filter)) ids.push(twin);
  return ids;
}
