/** How twins are deleted: with all that somebody has of them. */
import type { Deletes, Engine } from '../engine/index.ts';
import type { Existence, Identity } from '../identity/index.ts';

/** What the engine has, for whoever grants rights to it. */
export function existenceIn({ storage }: Engine): Existence {
  return {
    hasHome: async (home) => (await storage.getHome(home)) !== null,
    incarnationOf: async (address) => (await storage.getTwin(address))?.incarnation ?? null,
  };
}

/**
 * What the engine carries out deletions with. It is made before identity is, and nothing is deleted in between.
 * @param identity null: not there yet
 */
export function deletesWith(identity: () => Identity | null): Deletes {
  return async (twin, remove) => {
    const known = identity();
    if (!known) throw new Error('nobody knows yet who has rights to the twin');
    await known.homes.removeTwin(twin, remove);
  };
}
