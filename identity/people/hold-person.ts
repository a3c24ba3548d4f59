import type { Writing } from '../store/atomically.ts';
import type { PersonRow } from '../store/tables.ts';

/**
 * Holds an account until the transaction ends, and looks at it once more: what was decided before, perhaps while
 * a password was hashed, may not be so any more.
 * @returns it as it is now; undefined: it is gone
 */
export async function holdPerson(writing: Writing, id: string): Promise<PersonRow | undefined> {
  return await writing
    .updateTable('person')
    .set((row) => ({ createdAt: row.ref('createdAt') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}
