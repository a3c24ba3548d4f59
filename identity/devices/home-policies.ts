import type { IdentityChanges } from '../changes.ts';
import { holdToGrant } from '../homes/granting.ts';
import { type HomeVersion, isLater } from '../homes/home-version.ts';
import type { Existence } from '../homes/twin-life.ts';
import type { Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { HomePolicy } from './home-policy.ts';

export interface HomePoliciesOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
}

interface Known {
  version: HomeVersion;
  policy: HomePolicy | null;
}

/** Homes that treat unknown devices otherwise than the configuration says; few, so all are in memory. */
export class HomePolicies {
  readonly #options: HomePoliciesOptions;
  #known = new Map<string, Known>();

  constructor(options: HomePoliciesOptions) {
    this.#options = options;
    options.changes.subscribe((change) => {
      if (change.type !== 'policy') return;
      const { home, version, policy } = change;
      if (isLater(version, this.#known.get(home)?.version)) {
        this.#known.set(home, { version, policy });
      }
    });
  }

  async load(): Promise<void> {
    const rows = await this.#options.database
      .selectFrom('homePolicy')
      .innerJoin('homeIncarnation', 'homeIncarnation.home', 'homePolicy.home')
      .where('homeIncarnation.endedAt', 'is', null)
      .select(['homePolicy.home', 'provisioning', 'number', 'revision'])
      .execute();
    this.#known = new Map(
      rows.map(({ home, provisioning, number, revision }) => [
        home,
        { version: { number, revision }, policy: provisioning as HomePolicy },
      ]),
    );
  }

  /** Null: as configured. */
  of(home: string): HomePolicy | null {
    return this.#known.get(home)?.policy ?? null;
  }

  /** @throws IdentityError `forbidden` for who may not any more */
  async set(home: string, policy: HomePolicy, by: string): Promise<void> {
    const now = this.#options.clock.now();
    await this.#change(home, by, policy, async (writing) => {
      const row = { home, provisioning: policy, setAt: now };
      await writing
        .insertInto('homePolicy')
        .values(row)
        .onConflict((conflict) => conflict.column('home').doUpdateSet(row))
        .execute();
    });
  }

  /** Back to what is configured. @throws IdentityError `forbidden` for who may not any more */
  async forget(home: string, by: string): Promise<void> {
    await this.#change(home, by, null, async (writing) => {
      await writing.deleteFrom('homePolicy').where('home', '=', home).execute();
    });
  }

  async #change(
    home: string,
    by: string,
    policy: HomePolicy | null,
    write: (writing: Writing) => Promise<void>,
  ): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      const { number, revision } = await holdToGrant(writing, {
        home,
        by,
        now: clock.now(),
        existence,
      });
      await write(writing);
      tell({ type: 'policy', home, version: { number, revision }, policy });
    });
  }
}
