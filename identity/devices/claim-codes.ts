import { IdentityError } from '../errors.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ClaimCodeRow } from '../store/tables.ts';

/** What a code lets a device into. */
export interface ClaimCode {
  home: string;
  room: string | null;
  /** Whose device comes back with it, after a reset; null: a new one. */
  twin: string | null;
  /** Epoch ms. */
  expiresAt: number;
}

export interface ClaimCodesOptions {
  database: IdentityDatabase;
  clock: { now(): number };
}

const GROUPS = 2;

/** Codes that a person gives to a new device, which brings them back: short, for minutes, for one device. */
export class ClaimCodes {
  readonly #options: ClaimCodesOptions;

  constructor(options: ClaimCodesOptions) {
    this.#options = options;
  }

  /** @returns the code, which is not to be had again */
  async make(claim: ClaimCode, by: string): Promise<string> {
    const { database, clock } = this.#options;
    const code = newLongCode(GROUPS);
    await database
      .insertInto('claimCode')
      .values({ ...claim, codeHash: hashOf(code), madeBy: by, createdAt: clock.now() })
      .execute();
    return code;
  }

  /**
   * Uses a code up for something that may fail; then it counts again.
   * @throws IdentityError `bad-credentials`, and whatever `use` throws
   */
  async redeem<R>(code: string, use: (claim: ClaimCode, by: string) => Promise<R>): Promise<R> {
    const row = await this.#take(hashOf(readLongCode(code)));
    try {
      return await use(row, row.madeBy);
    } catch (error) {
      await this.#options.database.insertInto('claimCode').values(row).execute();
      throw error;
    }
  }

  /** The home is gone. */
  async forgetHome(home: string): Promise<void> {
    await this.#options.database.deleteFrom('claimCode').where('home', '=', home).execute();
  }

  /** One of several who come at once gets it. */
  async #take(codeHash: string): Promise<ClaimCodeRow> {
    const { database, clock } = this.#options;
    const row = await database
      .deleteFrom('claimCode')
      .where('codeHash', '=', codeHash)
      .where('expiresAt', '>', clock.now())
      .returningAll()
      .executeTakeFirst();
    if (row) return row;
    throw new IdentityError('bad-credentials', 'there is no such claim code, or not any more', {
      hint: 'It is for one device and for some minutes: let the app make a new one.',
    });
  }
}
