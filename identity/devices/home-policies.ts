import type { IdentityDatabase } from '../store/open.ts';

/** What happens to devices that a home does not know: made at once, listed to be claimed, or turned away. */
export const POLICIES = ['open', 'claim', 'closed'] as const;
export type HomePolicy = (typeof POLICIES)[number];

export interface HomePoliciesOptions {
  database: IdentityDatabase;
  clock: { now(): number };
}

/** Homes that treat unknown devices otherwise than the configuration says; few, so all are in memory. */
export class HomePolicies {
  readonly #options: HomePoliciesOptions;
  #known = new Map<string, HomePolicy>();

  constructor(options: HomePoliciesOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const rows = await this.#options.database.selectFrom('homePolicy').selectAll().execute();
    this.#known = new Map(rows.map((row) => [row.home, row.provisioning as HomePolicy]));
  }

  /** Null: as configured. */
  of(home: string): HomePolicy | null {
    return this.#known.get(home) ?? null;
  }

  async set(home: string, policy: HomePolicy): Promise<void> {
    const { database, clock } = this.#options;
    const row = { home, provisioning: policy, setAt: clock.now() };
    await database
      .insertInto('homePolicy')
      .values(row)
      .onConflict((conflict) => conflict.column('home').doUpdateSet(row))
      .execute();
    this.#known.set(home, policy);
  }

  /** Back to what is configured; also when the home is gone. */
  async forget(home: string): Promise<void> {
    await this.#options.database.deleteFrom('homePolicy').where('home', '=', home).execute();
    this.#known.delete(home);
  }
}
