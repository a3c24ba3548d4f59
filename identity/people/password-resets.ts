import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import type { MailLimits } from '../mail/mail-limits.ts';
import type { Write } from '../mail/templates.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { IdentityDatabase } from '../store/open.ts';
import { findByEmail, keyOf, type Person, toPerson } from './accounts.ts';
import { holdPerson } from './hold-person.ts';
import { assertPassword, hashPassword } from './passwords.ts';

export interface PasswordResetsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  sessions: Sessions;
  limits: MailLimits;
  changes: IdentityChanges;
  write: Write;
}

const MINUTE_MS = 60_000;
const CODE_MS = 60 * MINUTE_MS;
const RESET = 'reset-password';

/** Getting back in by a letter. */
export class PasswordResets {
  readonly #options: PasswordResetsOptions;

  constructor(options: PasswordResetsOptions) {
    this.#options = options;
  }

  /**
   * Sends a code to who has an account. After a few letters in a day there is one more only when no code counts any
   * more: however often others ask, the newest letter in the mailbox has a code that works.
   */
  async ask(email: string): Promise<void> {
    const { database, clock, limits, changes, write } = this.#options;
    const known = await findByEmail(database, keyOf(email));
    if (!known) return;
    const code = newLongCode(3);
    const now = clock.now();
    const isNew = await changes.commit(database, async (writing) => {
      const person = await holdPerson(writing, known.id);
      if (person?.lockedAt !== null) return false;
      const isFree = await limits.mayReset(writing, person.id);
      if (!isFree && (await hasCode(writing, person.id, now))) return false;
      const row = {
        ...{ purpose: RESET, person: person.id, codeHash: hashOf(code) },
        ...{ tries: 0, createdAt: now, expiresAt: now + CODE_MS },
      };
      await writing
        .insertInto('oneTimeCode')
        .values(row)
        .onConflict((conflict) => conflict.columns(['purpose', 'person']).doUpdateSet(row))
        .execute();
      return true;
    });
    if (isNew) write(known, 'reset-password', { code, minutes: CODE_MS / MINUTE_MS });
  }

  /**
   * Sets a new password with a code, and ends all sessions.
   * @throws IdentityError `bad-credentials`, `bad-input`
   */
  async reset(email: string, code: string, password: string): Promise<Person> {
    const { database, clock, sessions, changes, write } = this.#options;
    assertPassword(password, email);
    const passwordHash = await hashPassword(password);
    const known = await findByEmail(database, keyOf(email));
    const person = await changes.commit(database, async (writing, tell) => {
      const held = known && (await holdPerson(writing, known.id));
      const { numDeletedRows } = await writing
        .deleteFrom('oneTimeCode')
        .where('purpose', '=', RESET)
        .where('person', '=', held?.id ?? '')
        .where('codeHash', '=', hashOf(readLongCode(code)))
        .where('expiresAt', '>', clock.now())
        .executeTakeFirst();
      if (held?.lockedAt !== null || numDeletedRows === 0n) throw wrongCode();
      await writing.updateTable('person').set({ passwordHash }).where('id', '=', held.id).execute();
      await sessions.endAll(
        writing,
        { person: held.id },
        { because: 'the password was reset' },
        tell,
      );
      return { ...held, passwordHash };
    });
    write(person, 'password-changed', {});
    return toPerson(person);
  }
}

async function hasCode(reading: IdentityDatabase, person: string, now: number): Promise<boolean> {
  const row = await reading
    .selectFrom('oneTimeCode')
    .select('person')
    .where('purpose', '=', RESET)
    .where('person', '=', person)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

function wrongCode(): IdentityError {
  return new IdentityError('bad-credentials', 'the code is wrong, or too old', {
    hint: 'Ask for a new one.',
  });
}
