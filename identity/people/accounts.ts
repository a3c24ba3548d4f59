import type { IdentityDatabase } from '../store/open.ts';
import type { PersonRow } from '../store/tables.ts';

export interface Person {
  id: string;
  email: string;
  name: string;
  language: string;
  isAdmin: boolean;
  hasPassword: boolean;
  createdAt: number;
}

/** What an account is made of. */
export type NewAccount = Pick<
  PersonRow,
  'email' | 'emailKey' | 'passwordHash' | 'name' | 'language'
>;

/** How addresses are compared. */
export function keyOf(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}

export function toPerson(row: PersonRow): Person {
  const { id, email, name, language, createdAt } = row;
  const hasPassword = row.passwordHash !== null;
  return { id, email, name, language, createdAt, hasPassword, isAdmin: row.isAdmin === 1 };
}

export async function findByEmail(
  reading: IdentityDatabase,
  emailKey: string,
): Promise<PersonRow | undefined> {
  return await reading
    .selectFrom('person')
    .selectAll()
    .where('emailKey', '=', emailKey)
    .executeTakeFirst();
}

/** @returns null when the address is taken */
export async function insertAccount(
  writing: IdentityDatabase,
  account: NewAccount,
  { id, now, isAdmin = false }: { id: string; now: number; isAdmin?: boolean },
): Promise<Person | null> {
  const row: PersonRow = {
    ...account,
    ...{ id, verifiedAt: now, isAdmin: isAdmin ? 1 : 0, lockedAt: null, createdAt: now },
  };
  const { numInsertedOrUpdatedRows } = await writing
    .insertInto('person')
    .values(row)
    .onConflict((conflict) => conflict.column('emailKey').doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n ? toPerson(row) : null;
}
