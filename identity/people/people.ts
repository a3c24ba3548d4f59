import { IdentityError } from '../errors.ts';
import type { LetterName, LetterValues } from '../mail/letters.ts';
import { hashOf, isSecret, newLongCode, newShortCode, readLongCode } from '../secrets.ts';
import type { Grant, Sessions } from '../sessions/sessions.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { PersonRow } from '../store/tables.ts';
import { assertPassword, hashPassword, isPassword } from './passwords.ts';
import { Throttle } from './throttle.ts';

export interface Person {
  id: string;
  email: string;
  name: string;
  language: string;
  isAdmin: boolean;
  hasPassword: boolean;
  createdAt: number;
}

/** Where a request comes from. */
export interface From {
  address: string | null;
  deviceName?: string | undefined;
}

export interface Registration {
  email: string;
  password: string;
  name: string;
  language: string;
}

export interface PeopleOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  sessions: Sessions;
  /** Puts a letter on its way; a letter that cannot be sent fails nobody's request. */
  write: <N extends LetterName>(
    to: { email: string; language: string },
    name: N,
    values: LetterValues[N],
  ) => void;
}

const MINUTE_MS = 60_000;
const CODE_MS = 20 * MINUTE_MS;
const MOST_TRIES = 5;
const RESET = 'reset-password';
/** Guesses at one person's password from one place. */
const GUESSES = {
  free: 5,
  firstWaitMs: 2_000,
  longestWaitMs: 15 * MINUTE_MS,
  forgetMs: 60 * MINUTE_MS,
};
/** Letters to one address, whoever asks for them. */
const LETTERS = {
  free: 5,
  firstWaitMs: MINUTE_MS,
  longestWaitMs: 60 * MINUTE_MS,
  forgetMs: 60 * MINUTE_MS,
};

/** Accounts of people. No answer tells whether somebody has one, save to themselves. */
export class People {
  readonly #options: PeopleOptions;
  readonly #guesses: Throttle;
  readonly #letters: Throttle;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#guesses = new Throttle({ clock: options.clock, ...GUESSES });
    this.#letters = new Throttle({ clock: options.clock, ...LETTERS });
  }

  /**
   * Sends a code to the address. Each call is an attempt of its own: its code makes an account with its
   * password, whoever else has tried with the same address.
   * @returns the attempt's id, the same sort of answer whether the address has an account or not
   * @throws IdentityError `bad-input` for a password that will not do
   */
  async register({ email, password, name, language }: Registration): Promise<string> {
    const { database, clock, newId, write } = this.#options;
    assertPassword(password, email);
    const emailKey = keyOf(email);
    const id = newId();
    const passwordHash = await hashPassword(password);
    if (!this.#mayWrite(emailKey)) return id;
    const known = await this.#byEmail(emailKey);
    if (known) {
      write(known, 'already-registered', {});
      return id;
    }
    const code = newShortCode();
    const now = clock.now();
    await database
      .insertInto('registration')
      .values({
        ...{ id, email, emailKey, passwordHash, name, language, codeHash: hashOf(code) },
        ...{ tries: 0, createdAt: now, expiresAt: now + CODE_MS },
      })
      .execute();
    write({ email, language }, 'verify-email', { code, minutes: CODE_MS / MINUTE_MS });
    return id;
  }

  /**
   * Makes the account of an attempt whose code has come back, and signs in.
   * @throws IdentityError `bad-credentials` for a wrong or old code, and after five wrong ones
   */
  async verify(
    attempt: string,
    code: string,
    from: From,
  ): Promise<{ person: Person; grant: Grant }> {
    const { database, clock } = this.#options;
    const now = clock.now();
    // Counted before it is looked at: two guesses at once are two
    const { numUpdatedRows } = await database
      .updateTable('registration')
      .set((row) => ({ tries: row('tries', '+', 1) }))
      .where('id', '=', attempt)
      .where('tries', '<', MOST_TRIES)
      .where('expiresAt', '>', now)
      .executeTakeFirst();
    const known =
      numUpdatedRows === 0n
        ? undefined
        : await database
            .selectFrom('registration')
            .selectAll()
            .where('id', '=', attempt)
            .executeTakeFirst();
    if (!known || !isSecret(code.trim(), known.codeHash)) throw wrongCode();
    const { email, emailKey, passwordHash, name, language } = known;
    const person = await this.#insert({ email, emailKey, passwordHash, name, language });
    // Another attempt with the same address was quicker
    if (!person) throw wrongCode();
    await database.deleteFrom('registration').where('emailKey', '=', emailKey).execute();
    return { person, grant: await this.#signIn(person, from) };
  }

  /** @throws IdentityError `bad-credentials`, `too-many-tries` */
  async login(
    { email, password }: { email: string; password: string },
    from: From,
  ): Promise<{ person: Person; grant: Grant }> {
    const emailKey = keyOf(email);
    const pair = `${emailKey} ${from.address ?? '-'}`;
    this.#guesses.assertMay(pair);
    const known = await this.#byEmail(emailKey);
    const isRight = await isPassword(known?.passwordHash ?? null, password);
    if (!known || !isRight || known.lockedAt !== null) {
      this.#guesses.failed(pair);
      throw new IdentityError('bad-credentials', 'the e-mail address or the password is wrong');
    }
    this.#guesses.succeeded(pair);
    const person = toPerson(known);
    return { person, grant: await this.#signIn(person, from) };
  }

  /** Sends a code to who has an account. */
  async forgot(email: string): Promise<void> {
    const { database, clock, write } = this.#options;
    const emailKey = keyOf(email);
    if (!this.#mayWrite(emailKey)) return;
    const known = await this.#byEmail(emailKey);
    if (!known || known.lockedAt !== null) return;
    const code = newLongCode(3);
    const now = clock.now();
    const row = {
      ...{ purpose: RESET, person: known.id, codeHash: hashOf(code) },
      ...{ tries: 0, createdAt: now, expiresAt: now + CODE_MS },
    };
    await database
      .insertInto('oneTimeCode')
      .values(row)
      .onConflict((conflict) => conflict.columns(['purpose', 'person']).doUpdateSet(row))
      .execute();
    write(known, 'reset-password', { code, minutes: CODE_MS / MINUTE_MS });
  }

  /**
   * Sets a new password with a code, and ends all sessions.
   * @throws IdentityError `bad-credentials`, `bad-input`
   */
  async reset(email: string, code: string, password: string): Promise<Person> {
    const { database, clock, sessions, write } = this.#options;
    assertPassword(password, email);
    const passwordHash = await hashPassword(password);
    const known = await this.#byEmail(keyOf(email));
    const used = await database
      .deleteFrom('oneTimeCode')
      .where('purpose', '=', RESET)
      .where('person', '=', known?.id ?? '')
      .where('codeHash', '=', hashOf(readLongCode(code)))
      .where('expiresAt', '>', clock.now())
      .executeTakeFirst();
    if (!known || used.numDeletedRows === 0n) throw wrongCode();
    await this.#setPassword(known.id, passwordHash);
    await sessions.endAll({ person: known.id }, 'the password was reset');
    write(known, 'password-changed', {});
    return toPerson(known);
  }

  /**
   * Changes the password of somebody who knows the present one, and ends all other sessions.
   * @throws IdentityError `bad-credentials`, `bad-input`, `too-many-tries`
   */
  async changePassword(
    id: string,
    { current, next }: { current: string; next: string },
    session: string,
  ): Promise<void> {
    const { sessions, write } = this.#options;
    const known = await this.#mustFind(id);
    if (known.passwordHash === null) {
      throw new IdentityError('bad-input', 'this account has no password yet', {
        hint: 'Ask for a letter with which to set one, as if you had forgotten it.',
      });
    }
    this.#guesses.assertMay(id);
    assertPassword(next, known.email);
    if (!(await isPassword(known.passwordHash, current))) {
      this.#guesses.failed(id);
      throw new IdentityError('bad-credentials', 'the present password is another');
    }
    this.#guesses.succeeded(id);
    await this.#setPassword(id, await hashPassword(next));
    await sessions.endAll({ person: id }, 'the password was changed', session);
    write(known, 'password-changed', {});
  }

  /** @throws IdentityError `not-found` */
  async read(id: string): Promise<Person> {
    return toPerson(await this.#mustFind(id));
  }

  async change(id: string, change: { name?: string; language?: string }): Promise<Person> {
    const { database } = this.#options;
    if (Object.keys(change).length > 0) {
      await database.updateTable('person').set(change).where('id', '=', id).execute();
    }
    return await this.read(id);
  }

  /** Removes the account, and with it its sessions and memberships. */
  async remove(id: string): Promise<void> {
    const { database, sessions } = this.#options;
    await sessions.endAll({ person: id }, 'the account was deleted');
    await database.deleteFrom('person').where('id', '=', id).execute();
  }

  /** Makes an account without a letter: for the command line of who runs the server. */
  async make(who: Registration & { isAdmin: boolean }): Promise<Person> {
    const { email, password, name, language, isAdmin } = who;
    assertPassword(password, email);
    const emailKey = keyOf(email);
    const passwordHash = await hashPassword(password);
    const row = { email, emailKey, passwordHash, name, language };
    const made = await this.#insert(row, isAdmin);
    if (made) return made;
    throw new IdentityError('conflict', `${email} has an account already`);
  }

  /** Somebody whom a provider vouches for. @returns null when the address has an account */
  async makeWithoutPassword(who: {
    email: string;
    name: string;
    language: string;
  }): Promise<Person | null> {
    return await this.#insert({ ...who, emailKey: keyOf(who.email), passwordHash: null });
  }

  /** Who may hold a session: present, and not locked. */
  async holder(id: string): Promise<{ person: string; isAdmin: boolean } | null> {
    const known = await this.#find(id);
    if (!known || known.lockedAt !== null) return null;
    return { person: known.id, isAdmin: known.isAdmin === 1 };
  }

  async findByEmail(email: string): Promise<Person | null> {
    const known = await this.#byEmail(keyOf(email));
    return known ? toPerson(known) : null;
  }

  async signIn(person: Person, from: From): Promise<Grant> {
    return await this.#signIn(person, from);
  }

  async #signIn({ id, isAdmin }: Person, from: From): Promise<Grant> {
    return await this.#options.sessions.begin({ person: id, isAdmin }, from);
  }

  /** @returns null when the address is taken */
  async #insert(
    row: Pick<PersonRow, 'email' | 'emailKey' | 'passwordHash' | 'name' | 'language'>,
    isAdmin = false,
  ): Promise<Person | null> {
    const { database, clock, newId } = this.#options;
    const now = clock.now();
    const whole: PersonRow = {
      ...row,
      ...{ id: newId(), verifiedAt: now, isAdmin: isAdmin ? 1 : 0, lockedAt: null, createdAt: now },
    };
    const { numInsertedOrUpdatedRows } = await database
      .insertInto('person')
      .values(whole)
      .onConflict((conflict) => conflict.column('emailKey').doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n ? toPerson(whole) : null;
  }

  async #setPassword(id: string, passwordHash: string): Promise<void> {
    const { database } = this.#options;
    await database.updateTable('person').set({ passwordHash }).where('id', '=', id).execute();
  }

  async #byEmail(emailKey: string): Promise<PersonRow | undefined> {
    return await this.#options.database
      .selectFrom('person')
      .selectAll()
      .where('emailKey', '=', emailKey)
      .executeTakeFirst();
  }

  async #find(id: string): Promise<PersonRow | undefined> {
    return await this.#options.database
      .selectFrom('person')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
  }

  async #mustFind(id: string): Promise<PersonRow> {
    const known = await this.#find(id);
    if (known) return known;
    throw new IdentityError('not-found', 'there is no such person');
  }

  /** Counts a letter; too many to one address are not written, and nobody is told. */
  #mayWrite(emailKey: string): boolean {
    try {
      this.#letters.assertMay(emailKey);
    } catch (error) {
      if (error instanceof IdentityError) return false;
      throw error;
    }
    this.#letters.failed(emailKey);
    return true;
  }
}

/** How addresses are compared. */
export function keyOf(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}

export function toPerson(row: PersonRow): Person {
  const { id, email, name, language, createdAt } = row;
  const hasPassword = row.passwordHash !== null;
  return { id, email, name, language, createdAt, hasPassword, isAdmin: row.isAdmin === 1 };
}

function wrongCode(): IdentityError {
  return new IdentityError('bad-credentials', 'the code is wrong, or too old', {
    hint: 'Ask for a new one.',
  });
}
