import type { IdentityChanges, Tell } from '../changes.ts';
import type { AnnounceSecret } from '../devices/device-address.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import { assertRoom, type HomeQuota } from '../homes/home-quota.ts';
import { type HomeVersion, isLater } from '../homes/home-version.ts';
import { assertTwinsStay, type Existence } from '../homes/twin-life.ts';
import { hashOf, isSecret, newSecret } from '../secrets.ts';
import type { Grant, Holder, Sessions } from '../sessions/sessions.ts';
import { atomically, type Writing } from '../store/atomically.ts';
import { InTurn } from '../store/in-turn.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { GatewayRow } from '../store/tables.ts';
import { type GatewayState, gatewaysOf, grouped, toStates } from './gateway-state.ts';

/** A central unit: it speaks for devices that cannot reach us themselves, and for no others. */
export interface Gateway {
  id: string;
  home: string;
  name: string;
  /** Whether it fetches commands over HTTP, having no MQTT. */
  fetches: boolean;
  createdAt: number;
  /** The last sign-in, epoch ms. */
  usedAt: number | null;
  twins: ReadonlySet<string>;
}

export interface GatewaysOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
  sessions: Sessions;
  announce: AnnounceSecret;
}

interface Known extends Gateway {
  hash: string;
}

interface OfHome {
  version: HomeVersion;
  gateways: readonly Known[];
}

const PREFIX = 'hsg';
/** Each is in memory for as long as it is there. */
const QUOTA: HomeQuota = { quota: 'gateways', mostOf: () => 100 };
/** The most rows of one statement. */
const ROWS_AT_ONCE = 200;

/**
 * All gateways; each packet and each command asks, so they are in memory, home by home: each change tells what a
 * home has then, and the latest counts.
 */
export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #turns = new InTurn();
  #homes = new Map<string, OfHome>();
  #byId = new Map<string, Known>();
  /** Which one speaks for a device, by `home/twin`. */
  #speaking = new Map<string, Known>();

  constructor(options: GatewaysOptions) {
    this.#options = options;
    options.changes.subscribe((change) => {
      if (change.type === 'gateways') this.#put(change.home, change.version, change.gateways);
    });
  }

  async load(): Promise<void> {
    const { database } = this.#options;
    const homes = await database
      .selectFrom('homeIncarnation')
      .innerJoin('gateway', 'gateway.home', 'homeIncarnation.home')
      .where('endedAt', 'is', null)
      .select(['homeIncarnation.home', 'number', 'revision'])
      .distinct()
      .execute();
    const rows = await database.selectFrom('gateway').selectAll().orderBy('id').execute();
    const devices = await database.selectFrom('gatewayDevice').selectAll().execute();
    const states = grouped(toStates(rows, devices), ({ home }) => home);
    for (const { home, number, revision } of homes) {
      this.#put(home, { number, revision }, states.get(home) ?? []);
    }
  }

  /**
   * @returns the gateway and its secret, which is not to be had again
   * @throws IdentityError `unavailable` when the broker that checks it cannot be told; `forbidden` for who may not
   * any more; `quota-exceeded`
   */
  async make(
    { home, name, fetches }: Pick<Gateway, 'home' | 'name' | 'fetches'>,
    by: string,
  ): Promise<{ gateway: Gateway; secret: string }> {
    const { clock, newId, announce } = this.#options;
    const [id, secret] = [newId(), newSecret(PREFIX)];
    // Before a broker is told of it; and once more in the transaction
    assertFew(home, this.list(home));
    await announce({ username: id, devices: [] }, secret);
    const row: GatewayRow = {
      ...{ id, home, name, hash: hashOf(secret), fetches: fetches ? 1 : 0 },
      ...{ madeBy: by, createdAt: clock.now(), usedAt: null },
    };
    await this.#change(home, by, async (writing) => {
      assertFew(home, await gatewaysOf(writing, home));
      await writing.insertInto('gateway').values(row).execute();
    });
    return { gateway: this.read(home, id), secret };
  }

  /** Finds a gateway by id. @returns null for none */
  find(id: string): Gateway | null {
    return this.#byId.get(id) ?? null;
  }

  ids(): string[] {
    return [...this.#byId.keys()];
  }

  /** The newest first. */
  list(home: string): Gateway[] {
    const all = [...(this.#homes.get(home)?.gateways ?? [])];
    return all.sort((one, other) => other.createdAt - one.createdAt);
  }

  /** Which gateway speaks for a device. @returns null: none */
  speakerFor(home: string, twin: string): Gateway | null {
    return this.#speaking.get(`${home}/${twin}`) ?? null;
  }

  /** @throws IdentityError `not-found` */
  read(home: string, id: string): Gateway {
    const known = this.#byId.get(id);
    if (known?.home === home) return known;
    throw notFound(id);
  }

  /**
   * A secret in place of the one before, whose sessions end.
   * @throws IdentityError `not-found`, `unavailable`; `forbidden` for who may not any more
   */
  async renew(home: string, id: string, by: string): Promise<string> {
    const { sessions, announce } = this.#options;
    const { twins } = this.read(home, id);
    const secret = newSecret(PREFIX);
    const devices = [...twins].map((twin) => ({ home, twin }));
    return await this.#turns.run(id, async () => {
      await announce({ username: id, devices }, secret);
      await this.#change(home, by, async (writing, tell) => {
        const { numUpdatedRows } = await writing
          .updateTable('gateway')
          .set({ hash: hashOf(secret) })
          .where('id', '=', id)
          .where('home', '=', home)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw notFound(id);
        const ending = { because: 'its secret was renewed' };
        await sessions.endAll(writing, { gateway: id }, ending, tell);
      });
      return secret;
    });
  }

  /**
   * Says for which devices it speaks; another gateway that did so before does no more.
   * @param twins of its home
   * @param incarnations of those that were looked at
   * @throws IdentityError `not-found`; `conflict` for a twin that is being deleted; `forbidden` for who may not any more
   */
  async assign(
    home: string,
    id: string,
    twins: readonly string[],
    by: string,
    incarnations: ReadonlyMap<string, string> = new Map(),
  ): Promise<Gateway> {
    const { clock, existence } = this.#options;
    const wanted = [...new Set(twins)].sort();
    await this.#change(home, by, async (writing) => {
      const found = await writing
        .selectFrom('gateway')
        .select('id')
        .where('id', '=', id)
        .where('home', '=', home)
        .executeTakeFirst();
      if (!found) throw notFound(id);
      await writing.deleteFrom('gatewayDevice').where('gateway', '=', id).execute();
      const lives = wanted.map((twin) => ({ twin, incarnation: incarnations.get(twin) }));
      await assertTwinsStay(writing, home, lives, { now: clock.now(), existence });
      for (let at = 0; at < wanted.length; at += ROWS_AT_ONCE) {
        const rows = wanted.slice(at, at + ROWS_AT_ONCE);
        await writing
          .insertInto('gatewayDevice')
          .values(rows.map((twin) => ({ home, twin, gateway: id })))
          .onConflict((conflict) => conflict.columns(['home', 'twin']).doUpdateSet({ gateway: id }))
          .execute();
      }
    });
    return this.read(home, id);
  }

  /** Its sessions and connections end. @throws IdentityError `not-found`; `forbidden` for who may not any more */
  async revoke(home: string, id: string, by: string): Promise<void> {
    const { sessions } = this.#options;
    await this.#change(home, by, async (writing, tell) => {
      await writing.deleteFrom('gatewayDevice').where('gateway', '=', id).execute();
      const { numDeletedRows } = await writing
        .deleteFrom('gateway')
        .where('id', '=', id)
        .where('home', '=', home)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw notFound(id);
      const ending = { because: 'the gateway was removed' };
      await sessions.endAll(writing, { gateway: id }, ending, tell);
    });
  }

  /** Others have taken devices or gateways from a home: tells what is left, and ends sessions of those that are gone. */
  async retell(writing: Writing, home: string, version: HomeVersion, tell: Tell): Promise<void> {
    const { sessions } = this.#options;
    const former = this.#homes.get(home)?.gateways ?? [];
    const gateways = await gatewaysOf(writing, home);
    const left = new Set(gateways.map(({ id }) => id));
    for (const { id } of former) {
      if (left.has(id)) continue;
      const ending = { because: 'the gateway was removed' };
      await sessions.endAll(writing, { gateway: id }, ending, tell);
    }
    tell({ type: 'gateways', home, version, gateways });
  }

  /** Holds a gateway until the transaction ends. @returns null: it is gone */
  async hold(writing: Writing, id: string): Promise<Holder | null> {
    const row = await writing
      .updateTable('gateway')
      .set((is) => ({ createdAt: is.ref('createdAt') }))
      .where('id', '=', id)
      .returning('home')
      .executeTakeFirst();
    return row ? { gateway: id, home: row.home } : null;
  }

  /** @throws IdentityError `bad-credentials` */
  async login(id: string, secret: string, address: string | null): Promise<Grant> {
    const { database, clock, sessions } = this.#options;
    if (!this.isSecretOf(id, secret)) throw wrongSecret();
    const usedAt = clock.now();
    const opened = await atomically(database, async (writing) => {
      const row = await writing
        .updateTable('gateway')
        .set({ usedAt })
        .where('id', '=', id)
        .where('hash', '=', hashOf(secret))
        .returning('home')
        .executeTakeFirst();
      if (!row) throw wrongSecret();
      return await sessions.open(writing, { gateway: id, home: row.home }, { address });
    });
    const known = this.#byId.get(id);
    if (known) known.usedAt = usedAt;
    return await sessions.grant(opened);
  }

  isSecretOf(id: string, secret: string): boolean {
    // Hashed for an unknown id, too: the time must not tell which ids there are
    return isSecret(secret, this.#byId.get(id)?.hash ?? '');
  }

  async #change(
    home: string,
    by: string,
    write: (writing: Writing, tell: Tell) => Promise<void>,
  ): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      const { number, revision } = await holdToGrant(writing, {
        home,
        by,
        now: clock.now(),
        existence,
      });
      await write(writing, tell);
      const gateways = await gatewaysOf(writing, home);
      tell({ type: 'gateways', home, version: { number, revision }, gateways });
    });
  }

  /** What a home has now; those that have another secret or other devices than before are cut off. */
  #put(home: string, version: HomeVersion, states: readonly GatewayState[]): void {
    const former = this.#homes.get(home);
    if (!isLater(version, former?.version)) return;
    const gateways = states.map((state) => ({ ...state, twins: new Set(state.twins) }));
    this.#homes.set(home, { version, gateways });
    for (const { id, twins } of former?.gateways ?? []) {
      this.#byId.delete(id);
      for (const twin of twins) this.#speaking.delete(`${home}/${twin}`);
    }
    for (const gateway of gateways) {
      this.#byId.set(gateway.id, gateway);
      for (const twin of gateway.twins) this.#speaking.set(`${home}/${twin}`, gateway);
    }
    const ids = [...(former?.gateways ?? []), ...gateways].map(({ id }) => id);
    for (const id of new Set(ids)) {
      const before = former?.gateways.find((one) => one.id === id);
      if (isSame(before, this.#byId.get(id))) continue;
      this.#options.changes.publish({ type: 'gateway-changed', gateway: id });
    }
  }
}

function isSame(one: Known | undefined, other: Known | undefined): boolean {
  if (one?.hash !== other?.hash) return false;
  return sameSet(one?.twins, other?.twins);
}

function sameSet(
  one: ReadonlySet<string> | undefined,
  other: ReadonlySet<string> | undefined,
): boolean {
  return one?.size === other?.size && [...(one ?? [])].every((twin) => other?.has(twin));
}

/** @throws IdentityError `quota-exceeded` */
function assertFew(home: string, present: readonly unknown[]): void {
  assertRoom(QUOTA, home, present.length, 'Remove one that nobody uses any more.');
}

function notFound(id: string): IdentityError {
  return new IdentityError('not-found', `there is no gateway ${id} in this home`);
}

function wrongSecret(): IdentityError {
  return new IdentityError('bad-credentials', 'wrong device id or secret', {
    hint: 'The app of the home makes a new secret.',
  });
}
