import { IdentityError } from '../errors.ts';
import { hashOf, newLongCode, newSecret, readLongCode } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { EnrolmentRow, FactoryTokenRow } from '../store/tables.ts';
import { DeviceCredentials } from './device-credentials.ts';

export interface FactoryToken {
  id: string;
  name: string;
  /** Of the devices that it enrols. */
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
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  credentials: DeviceCredentials;
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
   * @throws IdentityError `bad-credentials`; `conflict` for a device that belongs to somebody
   */
  async enrol(
    token: string,
    serial: string,
  ): Promise<{ secret: string; code: string; kind: string }> {
    const { database, clock } = this.#options;
    const { id, kind } = await this.#use(hashOf(token));
    const [secret, code] = [DeviceCredentials.newSecret(), newLongCode(GROUPS)];
    const row = {
      ...{ kind, factoryToken: id, enrolledAt: clock.now() },
      ...{ secretHash: hashOf(secret), codeHash: hashOf(code) },
    };
    const { numInsertedOrUpdatedRows } = await database
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
    return { secret, code, kind };
  }

  /** The device that a code belongs to. @throws IdentityError `bad-credentials` */
  async findByCode(code: string): Promise<Enrolment> {
    const row = await this.#find('codeHash', hashOf(readLongCode(code)));
    if (row) return toEnrolment(row);
    throw new IdentityError('bad-credentials', 'there is no device with this code', {
      hint: 'It stands on the device or its box.',
    });
  }

  /**
   * Gives a device to a twin; its secret is the twin’s from now on.
   * @throws IdentityError `conflict` when somebody else has claimed it
   */
  async claim(serial: string, home: string, twin: string, by: string): Promise<void> {
    const { database, clock, credentials } = this.#options;
    const { numUpdatedRows } = await database
      .updateTable('enrolment')
      .set({ home, twin, claimedAt: clock.now() })
      .where('serial', '=', serial)
      .where((is) => is.or([is('home', 'is', null), is.and({ home, twin })]))
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      throw new IdentityError('conflict', 'this device belongs to somebody already', {
        hint: 'Whoever had it before has to delete its twin, or to revoke its secret.',
      });
    }
    const row = await this.#find('serial', serial);
    if (row) await credentials.adopt(home, twin, row.secretHash, by);
  }

  /** Whose secret it is, claimed or not. @returns null for one that has not been enrolled */
  async findBySecret(secret: string): Promise<Enrolment | null> {
    const row = await this.#find('secretHash', hashOf(secret));
    if (!row) return null;
    const enrolment = toEnrolment(row);
    const { claimed } = enrolment;
    const { credentials } = this.#options;
    // The claim broke off before the twin had the secret
    if (claimed && !(await credentials.has(claimed.home, claimed.twin))) {
      await credentials.adopt(claimed.home, claimed.twin, row.secretHash, `device:${row.serial}`);
    }
    return enrolment;
  }

  /** The twin is gone, or its secret: the next one may claim the device. @param twin null: all of the home */
  async release(home: string, twin: string | null): Promise<void> {
    const query = this.#options.database
      .updateTable('enrolment')
      .set({ home: null, twin: null, claimedAt: null })
      .where('home', '=', home);
    await (twin === null ? query : query.where('twin', '=', twin)).execute();
  }

  /** Takes one of the uses of a token. */
  async #use(hash: string): Promise<FactoryTokenRow> {
    const { database, clock } = this.#options;
    const row = await database
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

  async #find(
    column: 'serial' | 'codeHash' | 'secretHash',
    value: string,
  ): Promise<EnrolmentRow | undefined> {
    return await this.#options.database
      .selectFrom('enrolment')
      .selectAll()
      .where(column, '=', value)
      .executeTakeFirst();
  }
}

function toToken(row: FactoryTokenRow): FactoryToken {
  const { id, name, kind, usesLeft, createdAt, expiresAt } = row;
  return { id, name, kind, usesLeft, createdAt, expiresAt };
}

function toEnrolment({ serial, kind, home, twin }: EnrolmentRow): Enrolment {
  return { serial, kind, claimed: home === null || twin === null ? null : { home, twin } };
}
