import type { IdentityChanges, Tell } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import { assertRoom, type HomeQuota, type HomeUsage, usageOf } from '../homes/home-quota.ts';
import { hold } from '../homes/incarnations.ts';
import { assertTwinStays, type Existence, type TwinLife } from '../homes/twin-life.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { Writing } from '../store/atomically.ts';
import { InTurn } from '../store/in-turn.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { AnnounceSecret, DeviceAddress } from './device-address.ts';

/** A device’s secret as it can be shown: without itself. */
export interface DeviceCredential {
  twin: string;
  createdAt: number;
}

export interface DeviceCredentialsOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
  announce: AnnounceSecret;
  quota: HomeQuota;
}

const PREFIX = 'hsd';

/** The secrets of devices: one each, made here, shown once. */
export class DeviceCredentials {
  readonly #options: DeviceCredentialsOptions;
  readonly #turns = new InTurn();

  constructor(options: DeviceCredentialsOptions) {
    this.#options = options;
  }

  static looksLike(token: string): boolean {
    return token.startsWith(`${PREFIX}_`);
  }

  static newSecret(): string {
    return newSecret(PREFIX);
  }

  /** What a device is called at a broker. */
  static usernameOf(home: string, twin: string): string {
    return `${home}/${twin}`;
  }

  usernameOf({ home, twin }: DeviceAddress): string {
    return DeviceCredentials.usernameOf(home, twin);
  }

  /**
   * Makes a secret, in place of the one before: that one ends wherever it counted.
   * @param incarnation of the twin that was looked at
   * @returns it; it is not to be had again
   * @throws IdentityError `quota-exceeded`; `unavailable` when the broker that checks it cannot be told; `forbidden` for who may not
   * any more; `conflict` for a twin that is being deleted
   */
  async make(home: string, twin: string, by: string, incarnation?: string): Promise<string> {
    const { database, clock, changes, existence } = this.#options;
    const address = { home, twin };
    return await this.#inTurn(address, async () => {
      // Before a broker is told of a secret that nobody will get; and once more in the transaction
      await this.assertRoom(address);
      const secret = DeviceCredentials.newSecret();
      await this.#announce(address, secret);
      await changes.commit(database, async (writing, tell) => {
        await holdToGrant(writing, { home, by, now: clock.now(), existence });
        await this.adopt(
          writing,
          { ...address, incarnation },
          { hash: hashOf(secret), by, isTold: true },
          tell,
        );
      });
      return secret;
    });
  }

  /**
   * Tells a broker that checks passwords itself, if it is the device's present one.
   * @returns whether it is
   * @throws IdentityError `unavailable`
   */
  async announceIfPresent(address: DeviceAddress, secret: string): Promise<boolean> {
    return await this.#inTurn(address, async () => {
      const present = await this.find(secret);
      if (present?.home !== address.home || present.twin !== address.twin) return false;
      await this.#announce(address, secret);
      await this.#options.database
        .updateTable('deviceCredential')
        .set({ isTold: 1 })
        .where('hash', '=', hashOf(secret))
        .execute();
      return true;
    });
  }

  /**
   * Gives a twin its one secret: every other way to it ends. The home is held. Where a broker has not been told of it,
   * the twin has no account there until the device asks.
   * @throws IdentityError `conflict` for a twin that is being deleted
   */
  async adopt(
    writing: Writing,
    { home, twin, incarnation }: TwinLife,
    { hash, by, isTold }: { hash: string; by: string; isTold: boolean },
    tell: Tell,
  ): Promise<void> {
    const { clock, existence } = this.#options;
    const now = clock.now();
    await assertTwinStays(writing, { home, twin, incarnation }, { now, existence });
    await this.assertRoom({ home, twin }, writing);
    await endOtherWays(writing, { home, twin }, { now, except: hash });
    const present = await writing
      .selectFrom('deviceCredential')
      .select('isTold')
      .where('hash', '=', hash)
      .executeTakeFirst();
    const told = isTold || present?.isTold === 1 ? 1 : 0;
    const row = { home, twin, hash, madeBy: by, createdAt: now, isTold: told };
    await writing
      .insertInto('deviceCredential')
      .values(row)
      .onConflict((conflict) => conflict.columns(['home', 'twin']).doUpdateSet(row))
      .execute();
    tell({ type: 'device-changed', home, twin });
  }

  /** Whether a twin may have a secret. @throws IdentityError `quota-exceeded` */
  async assertRoom(
    { home, twin }: DeviceAddress,
    reading: IdentityDatabase = this.#options.database,
  ): Promise<void> {
    const { quota } = this.#options;
    if (quota.mostOf(home) === 0) return;
    const others = await reading
      .selectFrom('deviceCredential')
      .select((is) => is.fn.countAll<number | string>().as('count'))
      .where('home', '=', home)
      .where('twin', '!=', twin)
      .executeTakeFirst();
    const hint = 'Revoke the secret of a device that is gone, or delete its twin.';
    assertRoom(quota, home, Number(others?.count ?? 0), hint);
  }

  /** Devices of a home that have a secret. */
  async usage(home: string): Promise<HomeUsage> {
    return usageOf(this.#options.quota, home, (await this.list(home)).length);
  }

  /** Credentials by twin. */
  async list(home: string): Promise<DeviceCredential[]> {
    return await this.#options.database
      .selectFrom('deviceCredential')
      .select(['twin', 'createdAt'])
      .where('home', '=', home)
      .orderBy('twin')
      .execute();
  }

  /**
   * Its connections end, and it cannot come back: whatever else would let it in ends, too.
   * @throws IdentityError `not-found`
   */
  async revoke(home: string, twin: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      await hold(writing, home, { now: clock.now(), existence }, 'even closing');
      await endOtherWays(writing, { home, twin }, { now: clock.now(), except: null });
      const { numDeletedRows } = await writing
        .deleteFrom('deviceCredential')
        .where('home', '=', home)
        .where('twin', '=', twin)
        .executeTakeFirst();
      if (numDeletedRows === 0n) {
        throw new IdentityError('not-found', `${home}/${twin} has no secret`);
      }
      tell({ type: 'device-changed', home, twin });
    });
  }

  /** Whose secret it is. @returns null for what is none */
  async find(secret: string): Promise<{ home: string; twin: string } | null> {
    const row = await this.#options.database
      .selectFrom('deviceCredential')
      .select(['home', 'twin'])
      .where('hash', '=', hashOf(secret))
      .executeTakeFirst();
    return row ?? null;
  }

  async has(home: string, twin: string): Promise<boolean> {
    return (await this.#find(home, twin)) !== undefined;
  }

  /** Whether a broker that checks passwords itself has the present one. */
  async isTold(home: string, twin: string): Promise<boolean> {
    return (await this.#find(home, twin))?.isTold === 1;
  }

  /** Devices whose secret such a broker has, of all homes. */
  async allTold(): Promise<{ home: string; twin: string }[]> {
    return await this.#options.database
      .selectFrom('deviceCredential')
      .select(['home', 'twin'])
      .where('isTold', '=', 1)
      .execute();
  }

  async #find(home: string, twin: string): Promise<{ isTold: number } | undefined> {
    return await this.#options.database
      .selectFrom('deviceCredential')
      .select('isTold')
      .where('home', '=', home)
      .where('twin', '=', twin)
      .executeTakeFirst();
  }

  async #announce({ home, twin }: DeviceAddress, secret: string): Promise<void> {
    const username = DeviceCredentials.usernameOf(home, twin);
    await this.#options.announce({ username, devices: [{ home, twin }] }, secret);
  }

  /** What a broker is told of a device must not be overtaken by what it was told before. */
  async #inTurn<T>({ home, twin }: DeviceAddress, work: () => Promise<T>): Promise<T> {
    return await this.#turns.run(DeviceCredentials.usernameOf(home, twin), work);
  }
}

/** Secrets from the factory and claim codes for the twin. @param except the hash of a secret that counts */
async function endOtherWays(
  writing: Writing,
  { home, twin }: DeviceAddress,
  { now, except }: { now: number; except: string | null },
): Promise<void> {
  const enrolments = writing
    .updateTable('enrolment')
    .set({ secretEndedAt: now })
    .where('home', '=', home)
    .where('twin', '=', twin)
    .where('secretEndedAt', 'is', null);
  await (except === null ? enrolments : enrolments.where('secretHash', '!=', except)).execute();
  await writing
    .deleteFrom('claimCode')
    .where('home', '=', home)
    .where('twin', '=', twin)
    .where('takenAt', 'is', null)
    .execute();
}
