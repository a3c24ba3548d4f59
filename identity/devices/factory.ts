import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import type { Existence } from '../homes/twin-life.ts';
import { hashOf, newLongCode, newSecret, readLongCode } from '../secrets.ts';
import { atomically, type Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { EnrolmentRow, FactoryTokenRow } from '../store/tables.ts';
import { DeviceCredentials } from './device-credentials.ts';

export interface FactoryToken {
  id: string;
  name: string;
  /** The kind of the devices that it enrols. */
  kind: string;
  usesLeft: number;
  createdAt: number;
  expiresAt: number;
}

/** A device that has left the factory. */
export interface Enrolment {
  serial: string;
  kind: string;
  /** Null: nobody has claimed it. */
  claimed: { home: string; twin: string } | null;
}

export interface FactoryOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  credentials: DeviceCredentials;
  changes: IdentityChanges;
}

const PREFIX = 'hsf';
const GROUPS = 3;

/**
 * Devices that get their secret where they are made, before anybody owns them: a factory token enrols
 * many, each gets a code for its box, and whoever types that into an app has claimed it.
 */
export class Factory {
  readonly #options: FactoryOptions;

  constructor(options: FactoryOptions) {
    this.#options = options;
  }

  /** @returns the token and its secret, which is not to be had again */
  async make(
    {
      name,
      kind,
      usesLeft,
      expiresAt,
    }: Pick<FactoryToken, 'name' | 'kind' | 'usesLeft' | 'expiresAt'>,
    by: string,
  ): Promise<{ token: FactoryToken; secret: string }> {
    const { database, clock, newId } = this.#options;
    const secret = newSecret(PREFIX);
    const token = { id: newId(), name, kind, usesLeft, createdAt: clock.now(), expiresAt };
    await database
      .insertInto('factoryToken')
      .values({ ...token, hash: hashOf(secret), madeBy: by })
      .execute();
    return { token, secret };
  }

  async list(): Promise<FactoryToken[]> {
    const rows = await this.#options.database
      .selectFrom('factoryToken')
      .selectAll()
      .orderBy('createdAt', 'desc')
      .execute();
    return rows.map(toToken);
  }

  /** What it has enrolled stays enrolled. @throws IdentityError `not-found` */
  async revoke(id: string): Promise<void> {
    const { numDeletedRows } = await this.#options.database
      .deleteFrom('factoryToken')
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows > 0n) return;
    throw new IdentityError('not-found', `there is no factory token ${id}`);
  }

  /**
   * Gives a device its secret and the code for its box. Until somebody has claimed it, it may be done again:
   * then the former ones count no more.
   * @param mayBe throws for a kind that is not one of devices: then the use of the token is not taken
   * @returns `by`: the id of the token
   * @throws IdentityError `bad-credentials`; `conflict` for a device that belongs to somebody
   */
  async enrol(
    token: string,
    serial: string,
    mayBe: (kind: string) => void = () => {},
  ): Promise<{ secret: string; code: string; kind: string; by: string }> {
    const { database, clock } = this.#options;
    const [secret, code] = [DeviceCredentials.newSecret(), newLongCode(GROUPS)];
    const used = await atomically(database, async (writing) => {
      const { id, kind } = await this.#use(writing, hashOf(token));
      mayBe(kind);
      const row = {
        ...{ kind, factoryToken: id, enrolledAt: clock.now(), secretEndedAt: null },
        ...{ secretHash: hashOf(secret), codeHash: hashOf(code) },
      };
      const { numInsertedOrUpdatedRows } = await writing
        .insertInto('enrolment')
        .values({ ...row, serial, home: null, twin: null, claimedAt: null })
        .onConflict((conflict) =>
          conflict.column('serial').doUpdateSet(row).where('enrolment.home', 'is', null),
        )
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new IdentityError('conflict', `the device ${serial} belongs to somebody`, {
          hint: 'Let its owner delete its twin first.',
        });
      }
      return { kind, by: id };
    });
    return { secret, code, ...used };
  }

  /**
   * The device that a code belongs to.
   * @throws IdentityError `bad-credentials`; `conflict` for one whose secret has ended, which could not come in
   */
  async findByCode(code: string): Promise<Enrolment> {
    const row = await find(this.#options.database, 'codeHash', hashOf(readLongCode(code)));
    if (row && row.secretEndedAt !== null) throw secretEnded();
    if (row) return toEnrolment(row);
    throw new IdentityError('bad-credentials', 'there is no device with this code', {
      hint: 'It stands on the device or its box.',
    });
  }

  /**
   * Gives a device to a twin; its secret is the twin’s from now on, and every other way to it ends.
   * @param incarnation of the twin that was looked at
   * @throws IdentityError `conflict` when somebody else has claimed it, or its secret has ended
   */
  async claim(
    serial: string,
    home: string,
    twin: string,
    by: string,
    incarnation?: string,
  ): Promise<void> {
    const { database, clock, credentials, changes, existence } = this.#options;
    const now = clock.now();
    await changes.commit(database, async (writing, tell) => {
      await holdToGrant(writing, { home, by, now, existence });
      const row = await writing
        .updateTable('enrolment')
        .set({ home, twin, claimedAt: now })
        .where('serial', '=', serial)
        .where((is) => is.or([is('home', 'is', null), is.and({ home, twin })]))
        .returningAll()
        .executeTakeFirst();
      if (!row) {
        throw new IdentityError('conflict', 'this device belongs to somebody already', {
          hint: 'Whoever had it before has to delete its twin.',
        });
      }
      if (row.secretEndedAt !== null) throw secretEnded();
      await credentials.adopt(
        writing,
        { home, twin, incarnation },
        { hash: row.secretHash, by, isTold: false },
        tell,
      );
    });
  }

  /**
   * Whose secret it is, claimed or not.
   * @returns null for one that has not been enrolled, or has ended
   */
  async findBySecret(secret: string): Promise<Enrolment | null> {
    const { database, credentials } = this.#options;
    const row = await find(database, 'secretHash', hashOf(secret));
    if (!row || row.secretEndedAt !== null) return null;
    const enrolment = toEnrolment(row);
    const { claimed } = enrolment;
    if (!claimed) return enrolment;
    const present = await credentials.find(secret);
    return present?.home === claimed.home && present.twin === claimed.twin ? enrolment : null;
  }

  /** Takes one of the uses of a token. */
  async #use(writing: Writing, hash: string): Promise<FactoryTokenRow> {
    const { clock } = this.#options;
    const row = await writing
      .updateTable('factoryToken')
      .set((is) => ({ usesLeft: is('usesLeft', '-', 1) }))
      .where('hash', '=', hash)
      .where('usesLeft', '>', 0)
      .where('expiresAt', '>', clock.now())
      .returningAll()
      .executeTakeFirst();
    if (row) return row;
    throw new IdentityError('bad-credentials', 'this factory token is wrong, used up or too old');
  }
}

async function find(
  reading: IdentityDatabase,
  column: 'codeHash' | 'secretHash',
  value: string,
): Promise<EnrolmentRow | undefined> {
  return await reading
    .selectFrom('enrolment')
    .selectAll()
    .where(column, '=', value)
    .executeTakeFirst();
}

function secretEnded(): IdentityError {
  return new IdentityError('conflict', 'the secret of this device was revoked or replaced', {
    hint: 'Let it in with a claim code, or enrol it once more where it was made.',
  });
}

function toToken(row: FactoryTokenRow): FactoryToken {
  const { id, name, kind, usesLeft, createdAt, expiresAt } = row;
  return { id, name, kind, usesLeft, createdAt, expiresAt };
}

function toEnrolment({ serial, kind, home, twin }: EnrolmentRow): Enrolment {
  return { serial, kind, claimed: home === null || twin === null ? null : { home, twin } };
}
