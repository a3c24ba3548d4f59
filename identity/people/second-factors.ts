import { Secret, TOTP } from 'otpauth';
import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { Seal } from '../providers/seal.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { SecondFactorRow } from '../store/tables.ts';
import { holdPerson } from './hold-person.ts';
import { Throttle } from './throttle.ts';

export interface SecondFactorsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
  /** The first closes, all open. */
  secrets: readonly string[];
}

/** What is sealed names whose it is: nobody opens it as another's by moving a row. */
interface Sealed {
  person: string;
  secret: string;
}

const ISSUER = 'Homeostat';
const SECRET_BYTES = 20;
const PERIOD_S = 30;
/** A clock may be this many steps off. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
const MINUTE_MS = 60_000;
/** Guesses at the codes of one person, who have the password already, from wherever. */
const GUESSES = {
  free: 10,
  firstWaitMs: 30_000,
  longestWaitMs: 15 * MINUTE_MS,
  forgetMs: 60 * MINUTE_MS,
};

/** A second factor for passwords: codes of an app by TOTP (RFC 6238), and recovery codes for when it is lost. */
export class SecondFactors {
  readonly #options: SecondFactorsOptions;
  readonly #seal: Seal<Sealed>;
  readonly #guesses: Throttle;

  constructor(options: SecondFactorsOptions) {
    const { secrets, clock } = options;
    this.#options = options;
    this.#seal = new Seal({ purpose: 'second factors', secrets, lastsMs: null, clock });
    this.#guesses = new Throttle({ clock, ...GUESSES });
  }

  /** When it began to count, epoch ms; null: there is none. */
  async since(person: string): Promise<number | null> {
    const row = await find(this.#options.database, person);
    return row?.confirmedAt ?? null;
  }

  /**
   * Begins to set one up; it counts once {@link confirm} has seen a code.
   * @returns what an app is set up with, not to be had again
   * @throws IdentityError `conflict` when there is one
   */
  async begin(person: string, label: string): Promise<{ secret: string; url: string }> {
    const { database, clock, changes } = this.#options;
    const secret = new Secret({ size: SECRET_BYTES });
    const sealed = await this.#seal.close({ person, secret: secret.base32 });
    const now = clock.now();
    await changes.commit(database, async (writing) => {
      await holdPerson(writing, person);
      if ((await find(writing, person))?.confirmedAt != null) {
        throw new IdentityError('conflict', 'there is a second factor already', {
          hint: 'Remove it first.',
        });
      }
      const row = { person, secret: sealed, confirmedAt: null, lastStep: 0, createdAt: now };
      await writing
        .insertInto('secondFactor')
        .values(row)
        .onConflict((conflict) => conflict.column('person').doUpdateSet(row))
        .execute();
    });
    return { secret: secret.base32, url: totp(secret.base32, label).toString() };
  }

  /**
   * The app has it: from now on a password alone is not enough.
   * @returns recovery codes, not to be had again
   * @throws IdentityError `bad-credentials`; `conflict` when none was begun
   */
  async confirm(person: string, code: string): Promise<string[]> {
    const { database, clock, changes } = this.#options;
    const codes = Array.from({ length: RECOVERY_CODES }, () => newLongCode(3));
    const tried = this.#guesses.begin(person);
    await changes.commit(database, async (writing) => {
      await holdPerson(writing, person);
      const row = await find(writing, person);
      if (!row || row.confirmedAt !== null) {
        throw new IdentityError('conflict', 'no second factor is being set up', {
          hint: 'Begin with POST /v1/me/second-factor.',
        });
      }
      await this.#take(writing, row, code);
      await writing
        .updateTable('secondFactor')
        .set({ confirmedAt: clock.now() })
        .where('person', '=', person)
        .execute();
      await writing.deleteFrom('recoveryCode').where('person', '=', person).execute();
      const rows = codes.map((one) => ({ person, hash: hashOf(one) }));
      await writing.insertInto('recoveryCode').values(rows).execute();
    });
    tried.succeeded();
    return codes;
  }

  /** @throws IdentityError `not-found` */
  async remove(person: string): Promise<void> {
    const { database, changes } = this.#options;
    await changes.commit(database, async (writing) => {
      await holdPerson(writing, person);
      await writing.deleteFrom('recoveryCode').where('person', '=', person).execute();
      const { numDeletedRows } = await writing
        .deleteFrom('secondFactor')
        .where('person', '=', person)
        .executeTakeFirst();
      if (numDeletedRows > 0n) return;
      throw new IdentityError('not-found', 'there is no second factor');
    });
  }

  /**
   * Asks for a code if there is a factor. The person is held; a code that is taken counts no more when that is committed.
   * @throws IdentityError `second-factor-required`, `bad-credentials`, `too-many-tries`
   */
  async assertIfAny(writing: Writing, person: string, code: string | undefined): Promise<void> {
    const row = await find(writing, person);
    if (row?.confirmedAt == null) return;
    if (code === undefined) {
      throw new IdentityError('second-factor-required', 'this account has a second factor', {
        hint: 'Send the code of the app, or a recovery code, as `code` along.',
      });
    }
    const tried = this.#guesses.begin(person);
    await this.#take(writing, row, code);
    tried.succeeded();
  }

  /** @throws IdentityError as {@link assertIfAny}; `bad-input` for who has none */
  async assert(writing: Writing, person: string, code: string | undefined): Promise<void> {
    const row = await find(writing, person);
    if (row?.confirmedAt == null || code === undefined) {
      throw new IdentityError('bad-input', 'send your password, or a code of your second factor');
    }
    await this.assertIfAny(writing, person, code);
  }

  async #take(writing: Writing, row: SecondFactorRow, code: string): Promise<void> {
    const { person, lastStep } = row;
    const step = await this.#stepOf(row, code);
    if (step !== null && step > lastStep) {
      await writing
        .updateTable('secondFactor')
        .set({ lastStep: step })
        .where('person', '=', person)
        .execute();
      return;
    }
    const { numDeletedRows } = await writing
      .deleteFrom('recoveryCode')
      .where('person', '=', person)
      .where('hash', '=', hashOf(readLongCode(code)))
      .executeTakeFirst();
    if (numDeletedRows > 0n) return;
    throw new IdentityError('bad-credentials', 'the code is wrong, or was used', {
      hint: 'Wait for the next code of the app.',
    });
  }

  /** Which step of time a code belongs to. @returns null for a wrong one */
  async #stepOf({ person, secret }: SecondFactorRow, code: string): Promise<number | null> {
    const content = await this.#seal.open(secret);
    if (content?.person !== person) return null;
    const timestamp = this.#options.clock.now();
    const token = code.replaceAll(/\s/g, '');
    const delta = totp(content.secret, '').validate({ token, timestamp, window: WINDOW });
    return delta === null ? null : Math.floor(timestamp / 1_000 / PERIOD_S) + delta;
  }
}

function totp(secret: string, label: string): TOTP {
  return new TOTP({ issuer: ISSUER, label, secret: Secret.fromBase32(secret), period: PERIOD_S });
}

async function find(
  reading: IdentityDatabase,
  person: string,
): Promise<SecondFactorRow | undefined> {
  return await reading
    .selectFrom('secondFactor')
    .selectAll()
    .where('person', '=', person)
    .executeTakeFirst();
}
