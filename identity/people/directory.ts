import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { endGifts, endGiftsOfPlatform } from '../homes/granting.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { PersonRow } from '../store/tables.ts';
import { keyOf, type Person, toPerson } from './accounts.ts';
import { holdPerson } from './hold-person.ts';

/** An account, as who runs the platform sees it. */
export interface Listed extends Person {
  /** Epoch ms; null: may sign in. */
  lockedAt: number | null;
}

/** Which addresses; absent: all. */
export interface AddressFilter {
  email?: string | undefined;
  emailPrefix?: string | undefined;
}

/** The last of a page. */
export type PageEnd = Pick<Listed, 'createdAt' | 'id'>;

export interface DirectoryOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  sessions: Sessions;
  changes: IdentityChanges;
}

/** Sorts behind whatever else an address may go on with. */
const LAST_CHARACTER = '\u{10ffff}';

/** All people, for who runs the platform. */
export class Directory {
  readonly #options: DirectoryOptions;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Newest first. @param page.after the last of the former page */
  async list(
    { email, emailPrefix }: AddressFilter,
    { limit, after }: { limit: number; after: PageEnd | null },
  ): Promise<Listed[]> {
    let query = this.#options.database
      .selectFrom('person')
      .selectAll()
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit);
    if (email !== undefined) query = query.where('emailKey', '=', keyOf(email));
    if (emailPrefix !== undefined) {
      const first = keyOf(emailPrefix);
      query = query
        .where('emailKey', '>=', first)
        .where('emailKey', '<', `${first}${LAST_CHARACTER}`);
    }
    if (after !== null) {
      query = query.where((is) =>
        is.or([
          is('createdAt', '<', after.createdAt),
          is.and([is('createdAt', '=', after.createdAt), is('id', '<', after.id)]),
        ]),
      );
    }
    return (await query.execute()).map(toListed);
  }

  /** @throws IdentityError `not-found` */
  async read(id: string): Promise<Listed> {
    const row = await this.#options.database
      .selectFrom('person')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (row) return toListed(row);
    throw new IdentityError('not-found', 'there is no such person');
  }

  /**
   * Who is locked is signed out at once and does not come in; the keys that they made end for good.
   * @throws IdentityError `not-found`
   */
  async lock(id: string, isLocked: boolean): Promise<Listed> {
    const { database, clock, sessions, changes } = this.#options;
    const now = clock.now();
    await changes.commit(database, async (writing, tell) => {
      await holdPerson(writing, id);
      await writing
        .updateTable('person')
        .set({ lockedAt: isLocked ? now : null })
        .where('id', '=', id)
        .execute();
      if (!isLocked) return;
      await sessions.endAll(writing, { person: id }, { because: 'the account was locked' }, tell);
      await endGifts(writing, { person: id, home: null, now }, tell);
    });
    return await this.read(id);
  }

  /**
   * Lets somebody run the platform, from their next access token on, or no more: then they are signed out
   * at once, as their tokens say that they may, and the keys that they made as such end.
   * @throws IdentityError `not-found`
   */
  async promote(id: string, isAdmin: boolean): Promise<Listed> {
    const { database, clock, sessions, changes } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      const person = await holdPerson(writing, id);
      if (!person || (person.isAdmin === 1) === isAdmin) return;
      await writing
        .updateTable('person')
        .set({ isAdmin: isAdmin ? 1 : 0 })
        .where('id', '=', id)
        .execute();
      if (isAdmin) return;
      const ending = { because: 'runs the platform no more' };
      await sessions.endAll(writing, { person: id }, ending, tell);
      await endGiftsOfPlatform(writing, { person: id, now: clock.now() }, tell);
    });
    return await this.read(id);
  }
}

function toListed(row: PersonRow): Listed {
  return { ...toPerson(row), lockedAt: row.lockedAt };
}
