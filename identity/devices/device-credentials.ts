import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { Announce } from './speakers.ts';

/** A device’s secret as it can be shown: without itself. */
export interface DeviceCredential {
  twin: string;
  createdAt: number;
}

export interface DeviceCredentialsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
  announce: Announce;
}

const PREFIX = 'hsd';

/** The secrets of devices: one each, made here, shown once. */
export class DeviceCredentials {
  readonly #options: DeviceCredentialsOptions;

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

  /**
   * Makes a secret, in place of the one before, whose connections end.
   * @returns it; it is not to be had again
   * @throws IdentityError `unavailable` when the broker that checks it cannot be told
   */
  async make(home: string, twin: string, by: string): Promise<string> {
    const secret = DeviceCredentials.newSecret();
    await this.announce(home, twin, secret);
    await this.adopt(home, twin, hashOf(secret), by);
    return secret;
  }

  /** Tells a broker that checks passwords itself. @throws IdentityError `unavailable` */
  async announce(home: string, twin: string, secret: string): Promise<void> {
    const username = DeviceCredentials.usernameOf(home, twin);
    await this.#options.announce({ username, devices: [{ home, twin }] }, secret);
  }

  /** Lets a device in with a secret that it has already. */
  async adopt(home: string, twin: string, hash: string, by: string): Promise<void> {
    const { database, clock } = this.#options;
    const row = { home, twin, hash, madeBy: by, createdAt: clock.now() };
    await database
      .insertInto('deviceCredential')
      .values(row)
      .onConflict((conflict) => conflict.columns(['home', 'twin']).doUpdateSet(row))
      .execute();
    this.#changed(home, twin);
  }

  /** By twin. */
  async list(home: string): Promise<DeviceCredential[]> {
    return await this.#options.database
      .selectFrom('deviceCredential')
      .select(['twin', 'createdAt'])
      .where('home', '=', home)
      .orderBy('twin')
      .execute();
  }

  /** Its connections end, and it cannot come back. @throws IdentityError `not-found` */
  async revoke(home: string, twin: string): Promise<void> {
    if (await this.#remove(home, twin)) return;
    throw new IdentityError('not-found', `${home}/${twin} has no secret`);
  }

  /** The twin is gone. */
  async forget(home: string, twin: string): Promise<void> {
    await this.#remove(home, twin);
  }

  /** The home is gone. */
  async forgetHome(home: string): Promise<void> {
    for (const { twin } of await this.list(home)) await this.#remove(home, twin);
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
    const row = await this.#options.database
      .selectFrom('deviceCredential')
      .select('twin')
      .where('home', '=', home)
      .where('twin', '=', twin)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Devices that have a secret, of all homes. */
  async all(): Promise<{ home: string; twin: string }[]> {
    return await this.#options.database
      .selectFrom('deviceCredential')
      .select(['home', 'twin'])
      .execute();
  }

  async #remove(home: string, twin: string): Promise<boolean> {
    const { numDeletedRows } = await this.#options.database
      .deleteFrom('deviceCredential')
      .where('home', '=', home)
      .where('twin', '=', twin)
      .executeTakeFirst();
    this.#changed(home, twin);
    return numDeletedRows > 0n;
  }

  #changed(home: string, twin: string): void {
    this.#options.changes.publish({ type: 'device-changed', home, twin });
  }
}
