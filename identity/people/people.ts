import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { endGifts } from '../homes/granting.ts';
import type { Write } from '../mail/templates.ts';
import type { From, Grant, Opened, Sessions } from '../sessions/sessions.ts';
import type { Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { PersonRow } from '../store/tables.ts';
import { findByEmail, insertAccount, keyOf, type Person, toPerson } from './accounts.ts';
import { holdPerson } from './hold-person.ts';
import { networkOf } from './network.ts';
import { assertPassword, hashPassword, isPassword } from './passwords.ts';
import type { Registration } from './registrations.ts';
import type { SecondFactors } from './second-factors.ts';
import { Throttle, type Try } from './throttle.ts';

export interface PeopleOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  sessions: Sessions;
  secondFactors: SecondFactors;
  changes: IdentityChanges;
  write: Write;
}

/** What somebody proves with who they are. */
export interface Credentials {
  password?: string | undefined;
  /** The second factor: a code of the moment, or a recovery code. */
  code?: string | undefined;
}

const MINUTE_MS = 60_000;
/** Guesses at one person's password from one network. */
const GUESSES = {
  free: 5,
  firstWaitMs: 2_000,
  longestWaitMs: 15 * MINUTE_MS,
  forgetMs: 60 * MINUTE_MS,
};

/** Accounts of people, and how they come in with a password. */
export class People {
  readonly #options: PeopleOptions;
  readonly #guesses: Throttle;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#guesses = new Throttle({ clock: options.clock, ...GUESSES });
  }

  /**
   * @throws IdentityError `bad-credentials`, `too-many-tries`; `second-factor-required` when the password is right
   * and a code is missing
   */
  async login(
    { email, password, code }: { email: string } & Credentials & { password: string },
    from: From,
  ): Promise<{ person: Person; grant: Grant }> {
    const { database, sessions, secondFactors, changes } = this.#options;
    const emailKey = keyOf(email);
    const tried = this.#guesses.begin(`login ${emailKey} ${networkOf(from.address)}`);
    const known = await findByEmail(database, emailKey);
    const isRight = await this.#isRight(tried, known?.passwordHash ?? null, password);
    if (!known || !isRight) throw wrongPassword();
    let entered: { person: Person; opened: Opened };
    try {
      entered = await changes.commit(database, async (writing) => {
        const person = await holdPerson(writing, known.id);
        // It took a while to look at the password: it may not be theirs any more
        const isStill = person?.passwordHash === known.passwordHash && person.lockedAt === null;
        if (!isStill) throw wrongPassword();
        await secondFactors.assertIfAny(writing, person.id, code);
        const holder = { person: person.id, isAdmin: person.isAdmin === 1 };
        return { person: toPerson(person), opened: await sessions.open(writing, holder, from) };
      });
    } catch (error) {
      if (!isRefusal(error)) tried.undone();
      throw error;
    }
    tried.succeeded();
    return { person: entered.person, grant: await sessions.grant(entered.opened) };
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
    const { database, sessions, changes, write } = this.#options;
    const known = await this.#mustFind(id);
    assertPassword(next, known.email);
    await this.#assertPassword(known, current, session);
    const passwordHash = await hashPassword(next);
    await changes.commit(database, async (writing, tell) => {
      const person = await holdPerson(writing, id);
      if (person?.passwordHash !== known.passwordHash) throw otherPassword();
      await writing.updateTable('person').set({ passwordHash }).where('id', '=', id).execute();
      const ending = { because: 'the password was changed', except: session };
      await sessions.endAll(writing, { person: id }, ending, tell);
    });
    write(known, 'password-changed', {});
  }

  /**
   * Somebody who is signed in proves once more who they are: with their password, or with their second factor.
   * @throws IdentityError `bad-credentials`, `too-many-tries`; `bad-input` for who has neither
   */
  async prove(id: string, { password, code }: Credentials, session: string): Promise<void> {
    const { database, sessions, secondFactors, changes } = this.#options;
    const known = await this.#mustFind(id);
    if (password !== undefined) await this.#assertPassword(known, password, session);
    await changes.commit(database, async (writing) => {
      const person = await holdPerson(writing, id);
      if (password !== undefined && person?.passwordHash !== known.passwordHash) {
        throw otherPassword();
      }
      if (password === undefined) await secondFactors.assert(writing, id, code);
      await sessions.prove(writing, session);
    });
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

  /**
   * Removes the account, and with it its sessions, its memberships, and what it has given others.
   * @throws IdentityError `conflict` for who owns a home
   */
  async remove(id: string): Promise<void> {
    const { database, clock, sessions, changes } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      await holdPerson(writing, id);
      await assertOwnsNothing(writing, id);
      const memberships = await writing
        .deleteFrom('membership')
        .where('person', '=', id)
        .returning('home')
        .execute();
      for (const { home } of memberships) tell({ type: 'membership', home, person: id });
      await endGifts(writing, { person: id, home: null, now: clock.now() }, tell);
      await sessions.endAll(writing, { person: id }, { because: 'the account was deleted' }, tell);
      // They stay for as long as access tokens of theirs may be about: a restart has to know that they have ended
      await writing.updateTable('session').set({ person: null }).where('person', '=', id).execute();
      await writing.deleteFrom('person').where('id', '=', id).execute();
    });
  }

  /** Makes an account without a letter: for the command line of who runs the server. */
  async make(who: Registration & { isAdmin: boolean }): Promise<Person> {
    const { database, clock, newId } = this.#options;
    const { email, password, name, language, isAdmin } = who;
    assertPassword(password, email);
    const passwordHash = await hashPassword(password);
    const account = { email, emailKey: keyOf(email), passwordHash, name, language };
    const made = await insertAccount(database, account, { id: newId(), now: clock.now(), isAdmin });
    if (made) return made;
    throw new IdentityError('conflict', `${email} has an account already`);
  }

  /** Somebody whom a provider vouches for. @returns null when the address has an account */
  async makeWithoutPassword(
    who: { email: string; name: string; language: string },
    writing: IdentityDatabase = this.#options.database,
  ): Promise<Person | null> {
    const { clock, newId } = this.#options;
    const account = { ...who, emailKey: keyOf(who.email), passwordHash: null };
    return await insertAccount(writing, account, { id: newId(), now: clock.now() });
  }

  async findByEmail(email: string): Promise<Person | null> {
    const known = await findByEmail(this.#options.database, keyOf(email));
    return known ? toPerson(known) : null;
  }

  /**
   * Signs somebody in who has proved otherwise who they are.
   * @throws IdentityError `bad-credentials` for who may not sign in
   */
  async signIn({ id }: Pick<Person, 'id'>, from: From): Promise<Grant> {
    const { database, sessions, changes } = this.#options;
    const opened = await changes.commit(database, async (writing) => {
      const person = await holdPerson(writing, id);
      if (person?.lockedAt !== null) {
        throw new IdentityError('bad-credentials', 'this account cannot sign in', {
          hint: 'Ask whoever runs the server.',
        });
      }
      return await sessions.open(writing, { person: id, isAdmin: person.isAdmin === 1 }, from);
    });
    return await sessions.grant(opened);
  }

  /** @throws IdentityError `bad-credentials`, `too-many-tries`, `bad-input` */
  async #assertPassword(
    { id, passwordHash }: PersonRow,
    password: string,
    session: string,
  ): Promise<void> {
    if (passwordHash === null) {
      throw new IdentityError('bad-input', 'this account has no password yet', {
        hint: 'Ask for a letter with which to set one, as if you had forgotten it.',
      });
    }
    // Whoever has got hold of one session keeps nobody from trying in another
    const tried = this.#guesses.begin(`prove ${id} ${session}`);
    if (!(await this.#isRight(tried, passwordHash, password))) throw otherPassword();
    tried.succeeded();
  }

  /** What could not be looked at does not count as a try. */
  async #isRight(tried: Try, stored: string | null, password: string): Promise<boolean> {
    try {
      return await isPassword(stored, password);
    } catch (error) {
      tried.undone();
      throw error;
    }
  }

  async #mustFind(id: string): Promise<PersonRow> {
    const known = await this.#options.database
      .selectFrom('person')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (known) return known;
    throw new IdentityError('not-found', 'there is no such person');
  }
}

async function assertOwnsNothing(writing: Writing, person: string): Promise<void> {
  const owned = await writing
    .selectFrom('ownership')
    .select('home')
    .where('person', '=', person)
    .orderBy('home')
    .execute();
  if (owned.length === 0) return;
  throw new IdentityError('conflict', `you own ${owned.map(({ home }) => home).join(', ')}`, {
    hint: 'Hand it over to somebody else, or delete it.',
  });
}

/** What somebody gave was looked at, and was wrong. */
function isRefusal(error: unknown): boolean {
  return error instanceof IdentityError && error.code === 'bad-credentials';
}

function wrongPassword(): IdentityError {
  return new IdentityError('bad-credentials', 'the e-mail address or the password is wrong');
}

function otherPassword(): IdentityError {
  return new IdentityError('bad-credentials', 'the present password is another');
}
