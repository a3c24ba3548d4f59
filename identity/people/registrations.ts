import { IdentityError } from '../errors.ts';
import type { MailLimits } from '../mail/mail-limits.ts';
import type { Write } from '../mail/templates.ts';
import { hashOf, isSecret, newShortCode, readLongCode } from '../secrets.ts';
import type { From, Grant, Sessions } from '../sessions/sessions.ts';
import { atomically } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import { findByEmail, insertAccount, keyOf, type Person } from './accounts.ts';
import { assertPassword, hashPassword } from './passwords.ts';

/** Who may make an account: anybody, who has been invited to a home, or nobody by themself. */
export const REGISTRATION_MODES = ['open', 'invited', 'closed'] as const;
export type RegistrationMode = (typeof REGISTRATION_MODES)[number];

export interface Registration {
  email: string;
  password: string;
  name: string;
  language: string;
}

export interface RegistrationsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  sessions: Sessions;
  limits: MailLimits;
  mode: RegistrationMode;
  /** Puts a letter on its way; a letter that cannot be sent fails nobody's request. */
  write: Write;
}

const MINUTE_MS = 60_000;
const CODE_MS = 20 * MINUTE_MS;
const MAX_TRIES = 5;

/** How accounts come into being. No answer tells whether an address has one, save to its owner. */
export class Registrations {
  readonly #options: RegistrationsOptions;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /**
   * Sends a code to the address. Each call is an attempt of its own: its code makes an account with its
   * password, whoever else has tried with the same address.
   * @param from the network that asks: letters are few for each
   * @param invitation a code that somebody has been given; one that was sent to the address need not be
   * @returns the attempt's id, the same sort of answer whether the address has an account or not
   * @throws IdentityError `bad-input` for a password that will not do; `forbidden` where nobody registers;
   * `bad-credentials` for a wrong invitation
   */
  async register(
    { email, password, name, language }: Registration,
    from: Pick<From, 'address'>,
    invitation?: string,
  ): Promise<string> {
    const { database, clock, newId, write, limits } = this.#options;
    if (this.#options.mode === 'closed') throw closed();
    assertPassword(password, email);
    const emailKey = keyOf(email);
    const isInvited = await this.#isInvited(emailKey, invitation);
    if (!isInvited && invitation !== undefined) throw wrongInvitation();
    const id = newId();
    const passwordHash = await hashPassword(password);
    const known = await findByEmail(database, emailKey);
    if (!known && !isInvited) return id;
    if (!(await limits.mayRegister(emailKey, from.address))) return id;
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
    const { database, clock, newId, sessions } = this.#options;
    const now = clock.now();
    // Counted before it is looked at: two guesses at once are two
    const { numUpdatedRows } = await database
      .updateTable('registration')
      .set((row) => ({ tries: row('tries', '+', 1) }))
      .where('id', '=', attempt)
      .where('tries', '<', MAX_TRIES)
      .where('expiresAt', '>', now)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw wrongCode();
    const { person, opened } = await atomically(database, async (writing) => {
      const known = await writing
        .selectFrom('registration')
        .selectAll()
        .where('id', '=', attempt)
        .executeTakeFirst();
      if (!known || !isSecret(code.trim(), known.codeHash)) throw wrongCode();
      const { email, emailKey, passwordHash, name, language } = known;
      const account = { email, emailKey, passwordHash, name, language };
      const made = await insertAccount(writing, account, { id: newId(), now });
      // Another attempt with the same address was quicker
      if (!made) throw wrongCode();
      await writing.deleteFrom('registration').where('emailKey', '=', emailKey).execute();
      const holder = { person: made.id, isAdmin: made.isAdmin };
      return { person: made, opened: await sessions.open(writing, holder, from) };
    });
    return { person, grant: await sessions.grant(opened) };
  }

  /**
   * Whether somebody with this address may have an account, whom a provider vouches for.
   * @throws IdentityError `forbidden`
   */
  async assertMayJoin(email: string): Promise<void> {
    if (this.#options.mode === 'closed') throw closed();
    if (await this.#isInvited(keyOf(email), undefined)) return;
    throw new IdentityError('forbidden', 'only people who have been invited register here', {
      hint: 'Ask somebody who belongs to a home to invite this address.',
    });
  }

  async #isInvited(emailKey: string, code: string | undefined): Promise<boolean> {
    const { database, clock, mode } = this.#options;
    if (mode === 'open' && code === undefined) return true;
    const query = database
      .selectFrom('invitation')
      .selectAll()
      .where('expiresAt', '>', clock.now());
    if (code !== undefined) {
      const codeHash = hashOf(readLongCode(code));
      const found = await query.where('codeHash', '=', codeHash).executeTakeFirst();
      return found !== undefined && (found.emailKey === null || found.emailKey === emailKey);
    }
    const found = await query.where('emailKey', '=', emailKey).executeTakeFirst();
    return found !== undefined;
  }
}

function closed(): IdentityError {
  return new IdentityError('forbidden', 'nobody registers on this server', {
    hint: 'Ask whoever runs it for an account.',
  });
}

function wrongInvitation(): IdentityError {
  return new IdentityError('bad-credentials', 'there is no such invitation, or not any more', {
    hint: 'Ask for a new one.',
  });
}

function wrongCode(): IdentityError {
  return new IdentityError('bad-credentials', 'the code is wrong, or too old', {
    hint: 'Ask for a new one.',
  });
}
