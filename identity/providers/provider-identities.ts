import { IdentityError } from '../errors.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ProviderIdentityRow } from '../store/tables.ts';
import type { Vouched } from './provider.ts';

/** Who somebody is at a provider, and here: rows of their own, as one may have several. */
export class ProviderIdentities {
  readonly #database: IdentityDatabase;
  readonly #clock: { now(): number };

  constructor(database: IdentityDatabase, clock: { now(): number }) {
    this.#database = database;
    this.#clock = clock;
  }

  /** @returns whose it is; null: nobody’s that we know */
  async personOf(
    { issuer, subject }: Pick<Vouched, 'issuer' | 'subject'>,
    reading: IdentityDatabase = this.#database,
  ): Promise<string | null> {
    const row = await reading
      .selectFrom('providerIdentity')
      .select('person')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst();
    return row?.person ?? null;
  }

  /**
   * @returns whether it is new
   * @throws IdentityError `conflict` when it is somebody else’s
   */
  async add(writing: IdentityDatabase, vouched: Vouched, person: string): Promise<boolean> {
    const { issuer, subject, email } = vouched;
    const { numInsertedOrUpdatedRows } = await writing
      .insertInto('providerIdentity')
      .values({ issuer, subject, person, email, linkedAt: this.#clock.now() })
      .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
      .executeTakeFirst();
    if ((await this.personOf(vouched, writing)) !== person) {
      throw new IdentityError('conflict', 'somebody else signs in with this already', {
        hint: 'If that is you, sign in with it and remove it there first.',
      });
    }
    return numInsertedOrUpdatedRows === 1n;
  }

  /** The first linked first. */
  async listOf(
    person: string,
    reading: IdentityDatabase = this.#database,
  ): Promise<ProviderIdentityRow[]> {
    return await reading
      .selectFrom('providerIdentity')
      .selectAll()
      .where('person', '=', person)
      .orderBy('linkedAt')
      .execute();
  }

  async remove(writing: IdentityDatabase, person: string, issuer: string): Promise<void> {
    await writing
      .deleteFrom('providerIdentity')
      .where('person', '=', person)
      .where('issuer', '=', issuer)
      .execute();
  }
}
