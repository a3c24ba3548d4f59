import type { IdentityChanges } from '../changes.ts';
import type { Announce } from '../devices/speakers.ts';
import { IdentityError } from '../errors.ts';
import { hashOf, isSecret, newSecret } from '../secrets.ts';
import type { Grant, Sessions } from '../sessions/sessions.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { GatewayRow } from '../store/tables.ts';

/** A central unit: it speaks for devices that cannot reach us themselves, and for no others. */
export interface Gateway {
  id: string;
  home: string;
  name: string;
  /** Whether it fetches commands over HTTP, having no MQTT. */
  fetches: boolean;
  createdAt: number;
  /** Of the last sign-in, epoch ms. */
  usedAt: number | null;
  twins: ReadonlySet<string>;
}

export interface GatewaysOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
  sessions: Sessions;
  announce: Announce;
}

interface Known extends Gateway {
  hash: string;
  twins: Set<string>;
}

const PREFIX = 'hsg';

/** All gateways; each packet and each command asks, so they are in memory. */
export class Gateways {
  readonly #options: GatewaysOptions;
  #known = new Map<string, Known>();
  /** Which one speaks for a device, by `home/twin`. */
  #speaking = new Map<string, Known>();

  constructor(options: GatewaysOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const { database } = this.#options;
    const rows = await database.selectFrom('gateway').selectAll().execute();
    for (const row of rows) this.#known.set(row.id, toKnown(row));
    const devices = await database.selectFrom('gatewayDevice').selectAll().execute();
    for (const { home, twin, gateway } of devices) {
      const known = this.#known.get(gateway);
      if (known) this.#speak(known, home, twin);
    }
  }

  /**
   * @returns the gateway and its secret, which is not to be had again
   * @throws IdentityError `unavailable` when the broker that checks it cannot be told
   */
  async make(
    { home, name, fetches }: Pick<Gateway, 'home' | 'name' | 'fetches'>,
    by: string,
  ): Promise<{ gateway: Gateway; secret: string }> {
    const { database, clock, newId, announce } = this.#options;
    const [id, secret] = [newId(), newSecret(PREFIX)];
    await announce({ username: id, devices: [] }, secret);
    const row: GatewayRow = {
      ...{ id, home, name, hash: hashOf(secret), fetches: fetches ? 1 : 0 },
      ...{ madeBy: by, createdAt: clock.now(), usedAt: null },
    };
    await database.insertInto('gateway').values(row).execute();
    const known = toKnown(row);
    this.#known.set(id, known);
    return { gateway: known, secret };
  }

  /** By id. @returns null for none */
  find(id: string): Gateway | null {
    return this.#known.get(id) ?? null;
  }

  ids(): string[] {
    return [...this.#known.keys()];
  }

  /** The newest first. */
  list(home: string): Gateway[] {
    const all = [...this.#known.values()].filter((gateway) => gateway.home === home);
    return all.sort((one, other) => other.createdAt - one.createdAt);
  }

  /** Which gateway speaks for a device. @returns null: none */
  speakerFor(home: string, twin: string): Gateway | null {
    return this.#speaking.get(`${home}/${twin}`) ?? null;
  }

  /** @throws IdentityError `not-found` */
  read(home: string, id: string): Gateway {
    return this.#mustFind(home, id);
  }

  /**
   * A secret in place of the one before, whose sessions end.
   * @throws IdentityError `not-found`, `unavailable`
   */
  async renew(home: string, id: string): Promise<string> {
    const { database, sessions, announce } = this.#options;
    const known = this.#mustFind(home, id);
    const secret = newSecret(PREFIX);
    await announce({ username: id, devices: devicesOf(known) }, secret);
    const hash = hashOf(secret);
    await database.updateTable('gateway').set({ hash }).where('id', '=', id).execute();
    known.hash = hash;
    await sessions.endAll({ gateway: id }, 'its secret was renewed');
    this.#changed(id);
    return secret;
  }

  /**
   * Says for which devices it speaks; another gateway that did so before does no more.
   * @param twins of its home
   * @throws IdentityError `not-found`
   */
  async assign(home: string, id: string, twins: readonly string[]): Promise<Gateway> {
    const { database } = this.#options;
    const known = this.#mustFind(home, id);
    const wanted = new Set(twins);
    for (const twin of [...known.twins]) {
      if (!wanted.has(twin)) await this.#take(home, twin);
    }
    for (const twin of wanted) {
      if (known.twins.has(twin)) continue;
      await database
        .insertInto('gatewayDevice')
        .values({ home, twin, gateway: id })
        .onConflict((conflict) => conflict.columns(['home', 'twin']).doUpdateSet({ gateway: id }))
        .execute();
      this.#speak(known, home, twin);
    }
    this.#changed(id);
    return known;
  }

  /** Its sessions and connections end. @throws IdentityError `not-found` */
  async revoke(home: string, id: string): Promise<void> {
    const known = this.#mustFind(home, id);
    await this.#options.database.deleteFrom('gatewayDevice').where('gateway', '=', id).execute();
    await this.#options.database.deleteFrom('gateway').where('id', '=', id).execute();
    for (const twin of known.twins) this.#speaking.delete(`${home}/${twin}`);
    this.#known.delete(id);
    await this.#options.sessions.endAll({ gateway: id }, 'the gateway was removed');
    this.#changed(id);
  }

  /** The twin is gone. */
  async forget(home: string, twin: string): Promise<void> {
    if (this.speakerFor(home, twin)) await this.#take(home, twin);
  }

  /** The home is gone. */
  async forgetHome(home: string): Promise<void> {
    for (const { id } of this.list(home)) await this.revoke(home, id);
  }

  /** @throws IdentityError `bad-credentials` */
  async login(id: string, secret: string, address: string | null): Promise<Grant> {
    const { database, clock, sessions } = this.#options;
    if (!this.isSecretOf(id, secret)) {
      throw new IdentityError('bad-credentials', 'wrong device id or secret', {
        hint: 'The app of the home makes a new secret.',
      });
    }
    const usedAt = clock.now();
    await database.updateTable('gateway').set({ usedAt }).where('id', '=', id).execute();
    const known = this.#known.get(id);
    if (known) known.usedAt = usedAt;
    return await sessions.begin({ gateway: id, home: known?.home ?? '' }, { address });
  }

  isSecretOf(id: string, secret: string): boolean {
    // Hashed for an unknown id, too: the time must not tell which ids there are
    return isSecret(secret, this.#known.get(id)?.hash ?? '');
  }

  #mustFind(home: string, id: string): Known {
    const known = this.#known.get(id);
    if (known?.home === home) return known;
    throw new IdentityError('not-found', `there is no gateway ${id} in this home`);
  }

  async #take(home: string, twin: string): Promise<void> {
    await this.#options.database
      .deleteFrom('gatewayDevice')
      .where('home', '=', home)
      .where('twin', '=', twin)
      .execute();
    const former = this.#speaking.get(`${home}/${twin}`);
    this.#speaking.delete(`${home}/${twin}`);
    former?.twins.delete(twin);
    if (former) this.#changed(former.id);
  }

  #speak(known: Known, home: string, twin: string): void {
    const former = this.#speaking.get(`${home}/${twin}`);
    if (former) {
      former.twins.delete(twin);
      this.#changed(former.id);
    }
    known.twins.add(twin);
    this.#speaking.set(`${home}/${twin}`, known);
  }

  #changed(id: string): void {
    this.#options.changes.publish({ type: 'gateway-changed', gateway: id });
  }
}

function devicesOf({ home, twins }: Gateway): { home: string; twin: string }[] {
  return [...twins].map((twin) => ({ home, twin }));
}

function toKnown({ id, home, name, hash, fetches, createdAt, usedAt }: GatewayRow): Known {
  return { id, home, name, hash, fetches: fetches === 1, createdAt, usedAt, twins: new Set() };
}
