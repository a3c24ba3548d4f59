import { IdentityError } from '../errors.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { PersonRow } from '../store/tables.ts';
import { keyOf, type Person, toPerson } from './people.ts';

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

  /** Who is locked is signed out at once, and does not come in. @throws IdentityError `not-found` */
  async lock(id: string, isLocked: boolean): Promise<Listed> {
    const { database, clock, sessions } = this.#options;
    await database
      .updateTable('person')
      .set({ lockedAt: isLocked ? clock.now() : null })
      .where('id', '=', id)
      .execute();
    if (isLocked) await sessions.endAll({ person: id }, 'the account was locked');
    return await this.read(id);
  }

  /**
   * Lets somebody run the platform, from their next access token on, or no more: then they are signed out
   * at once, as their tokens say that they may.
   * @throws IdentityError `not-found`
   */
  async promote(id: string, isAdmin: boolean): Promise<Listed> {
    const { database, sessions } = this.#options;
    const { numUpdatedRows } = await database
      .updateTable('person')
      .set({ isAdmin: isAdmin ? 1 : 0 })
      .where('id', '=', id)
      .where('isAdmin', '=', isAdmin ? 0 : 1)
      .executeTakeFirst();
    const isDemoted = !isAdmin && numUpdatedRows > 0n;
    if (isDemoted) await sessions.endAll({ person: id }, 'runs the platform no more');
    return await this.read(id);
  }
}

function toListed(row: PersonRow): Listed {
  return { ...toPerson(row), lockedAt: row.lockedAt };
}
