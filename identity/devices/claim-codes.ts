import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import { assertTwinStays, type Existence } from '../homes/twin-life.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ClaimCodeRow } from '../store/tables.ts';

/** What a code lets a device into. */
export interface ClaimCode {
  home: string;
  room: string | null;
  /** Whose device comes back with it, after a reset; null: a new one. */
  twin: string | null;
  /** The incarnation of the twin; null: a new device. */
  incarnation: string | null;
  /** Epoch ms. */
  expiresAt: number;
}

export interface ClaimCodesOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
}

const GROUPS = 2;

/** Codes that a person gives to a new device, which brings them back: short, for minutes, for one device. */
export class ClaimCodes {
  readonly #options: ClaimCodesOptions;

  constructor(options: ClaimCodesOptions) {
    this.#options = options;
  }

  /**
   * @returns the code, which is not to be had again
   * @throws IdentityError `forbidden` for who may not any more; `conflict` for a twin that is being deleted
   */
  async make(
    claim: Omit<ClaimCode, 'incarnation'> & { incarnation?: string },
    by: string,
  ): Promise<string> {
    const { database, clock, changes, existence } = this.#options;
    const code = newLongCode(GROUPS);
    const now = clock.now();
    const { home, twin } = claim;
    await changes.commit(database, async (writing) => {
      await holdToGrant(writing, { home, by, now, existence });
      const moment = { now, existence };
      const life = { home, twin: twin ?? '', incarnation: claim.incarnation };
      const incarnation = twin === null ? null : await assertTwinStays(writing, life, moment);
      await writing
        .insertInto('claimCode')
        .values({
          ...{ ...claim, incarnation, codeHash: hashOf(code) },
          ...{ madeBy: by, createdAt: now, takenAt: null },
        })
        .execute();
    });
    return code;
  }

  /**
   * Uses a code up for something that may fail; then it counts again, unless it has ended meanwhile.
   * @throws IdentityError `bad-credentials`, and whatever `use` throws
   */
  async redeem<R>(code: string, use: (claim: ClaimCode, by: string) => Promise<R>): Promise<R> {
    const row = await this.#take(hashOf(readLongCode(code)));
    const { codeHash, madeBy, home, room, twin, incarnation, expiresAt } = row;
    const { database } = this.#options;
    let result: R;
    try {
      result = await use({ home, room, twin, incarnation, expiresAt }, madeBy);
    } catch (error) {
      await database
        .updateTable('claimCode')
        .set({ takenAt: null })
        .where('codeHash', '=', codeHash)
        .execute();
      throw error;
    }
    await database.deleteFrom('claimCode').where('codeHash', '=', codeHash).execute();
    return result;
  }

  /** One of several who come at once gets it. */
  async #take(codeHash: string): Promise<ClaimCodeRow> {
    const { database, clock } = this.#options;
    const row = await database
      .updateTable('claimCode')
      .set({ takenAt: clock.now() })
      .where('codeHash', '=', codeHash)
      .where('takenAt', 'is', null)
      .where('expiresAt', '>', clock.now())
      .returningAll()
      .executeTakeFirst();
    if (row) return row;
    throw new IdentityError('bad-credentials', 'there is no such claim code, or not any more', {
      hint: 'It is for one device and for some minutes: let the app make a new one.',
    });
  }
}
