/** How twins are deleted over HTTP: with all that somebody has of them. */
import { type Address, type Engine, EngineError, keyOf, type Requester } from '../engine/index.ts';
import type { Existence, Identity } from '../identity/index.ts';
import { mustReadTwin } from './http/existence.ts';

/** What the engine has, for whoever grants rights to it. */
export function existenceIn({ storage }: Engine): Existence {
  return {
    hasHome: async (home) => (await storage.getHome(home)) !== null,
    hasTwin: async (address) => (await storage.getTwin(address)) !== null,
  };
}

/** Deletes a twin, and before it whatever rights there are to it. */
export type RemoveTwin = (address: Address, remove: () => Promise<void>) => Promise<void>;

/**
 * Looks first whether it can be deleted: nobody loses rights to a twin that stays.
 * @param remove default: the engine's own
 * @throws EngineError `unknown-twin`, `stale-revision`
 */
export async function removeTwin(
  engine: Engine,
  { homes }: Identity,
  address: Address,
  by: Requester,
  remove: () => Promise<void> = () => engine.deleteTwin(address, by),
): Promise<void> {
  const { row } = await mustReadTwin(engine, address);
  if (by.ifRevision !== undefined && by.ifRevision !== row.revision) {
    throw new EngineError(
      'stale-revision',
      `${keyOf(address)} is at revision ${row.revision}, not ${by.ifRevision}`,
      { hint: 'Read it again and decide anew.' },
    );
  }
  await homes.removeTwin(address, remove);
}
