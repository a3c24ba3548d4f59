import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import type { Existence } from '../homes/twin-life.ts';
import { Seal } from '../providers/seal.ts';
import type { IdentityDatabase } from '../store/open.ts';

/** A secret of a home as it can be shown: without itself. */
export interface HomeSecret {
  name: string;
  setAt: number;
}

export interface HomeSecretsOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
  /** The first closes, all open. */
  secrets: readonly string[];
}

/** What is sealed names where it belongs: nobody opens it as another's by moving a row. */
interface Sealed {
  home: string;
  name: string;
  value: string;
}

const MAX = 200;

/** Tokens of other services that rules of a home call: set here, never shown, and read where they are sent. */
export class HomeSecrets {
  readonly #options: HomeSecretsOptions;
  readonly #seal: Seal<Sealed>;

  constructor(options: HomeSecretsOptions) {
    const { secrets, clock } = options;
    this.#options = options;
    this.#seal = new Seal({ purpose: 'secrets of homes', secrets, lastsMs: null, clock });
  }

  /** @throws IdentityError `conflict` for a home that has too many; `forbidden` for who may not any more */
  async set(home: string, name: string, value: string, by: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    const sealed = await this.#seal.close({ home, name, value });
    const row = { home, name, sealed, setBy: by, setAt: clock.now() };
    await changes.commit(database, async (writing) => {
      await holdToGrant(writing, { home, by, now: clock.now(), existence });
      const known = await list(writing, home);
      if (known.length >= MAX && !known.some((one) => one.name === name)) {
        throw new IdentityError('conflict', `a home has ${MAX} secrets at most`, {
          hint: 'Remove one that no rule uses any more.',
        });
      }
      await writing
        .insertInto('homeSecret')
        .values(row)
        .onConflict((conflict) => conflict.columns(['home', 'name']).doUpdateSet(row))
        .execute();
    });
  }

  /** Secrets by name. */
  async list(home: string): Promise<HomeSecret[]> {
    return await list(this.#options.database, home);
  }

  /** @returns null where there is none, or where what it was sealed with is gone from JWT_SECRET */
  async open(home: string, name: string): Promise<string | null> {
    const row = await this.#options.database
      .selectFrom('homeSecret')
      .select('sealed')
      .where('home', '=', home)
      .where('name', '=', name)
      .executeTakeFirst();
    const content = row ? await this.#seal.open(row.sealed) : null;
    return content?.home === home && content.name === name ? content.value : null;
  }

  /** @throws IdentityError `not-found` */
  async remove(home: string, name: string): Promise<void> {
    const { numDeletedRows } = await this.#options.database
      .deleteFrom('homeSecret')
      .where('home', '=', home)
      .where('name', '=', name)
      .executeTakeFirst();
    if (numDeletedRows > 0n) return;
    throw new IdentityError('not-found', `the home has no secret "${name}"`);
  }
}

async function list(reading: IdentityDatabase, home: string): Promise<HomeSecret[]> {
  return await reading
    .selectFrom('homeSecret')
    .select(['name', 'setAt'])
    .where('home', '=', home)
    .orderBy('name')
    .execute();
}
