import type { Client } from 'aedes';
import { type Clock, isName } from '../../engine/index.ts';
import type { Authenticator, Guest } from './authenticator.ts';
import { isDeviceChannel, type NativeTopic, nativeFilter, nativeTopic } from './native-topics.ts';
import { UnknownTopics } from './unknown-topics.ts';

/** Connections of one device or gateway at a time; a bridge has as many as it wants. */
const MAX_CONNECTIONS = 5;
/** Sessions of one device or gateway that outlive their connections. */
const MAX_SESSIONS = 10;
/** Filters of one session, for each device that it speaks for. */
const MAX_FILTERS = 20;
/** What a client may leave unread before it is cut off. */
const MAX_UNREAD_BYTES = { device: 1024 * 1024, bridge: 16 * 1024 * 1024 };

interface Admitted {
  guest: Guest;
  /** `home/twin` of each device; null: all. */
  devices: ReadonlySet<string> | null;
  /** Which it has subscribed to; counted for devices only. */
  filters: Set<string>;
}

export interface ClientSessionsOptions {
  /** The first levels of our own topics. */
  root: string;
  /** Null: nobody has a name. */
  authenticator: Authenticator | null;
  clock: Clock;
  /** Ends a session whose client is away. */
  endSession: (id: string) => void;
}

/**
 * Who is connected to the embedded broker, and as whom. Whoever came without a name, which only loopback
 * allows, may say and hear everything; a guest what belongs to its devices.
 */
export class ClientSessions implements Disposable {
  readonly #authenticator: Authenticator | null;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #endSession: ClientSessionsOptions['endSession'];
  readonly #listening: Disposable | null;
  readonly #refusals = new UnknownTopics();
  #admitted = new WeakMap<Client, Admitted>();
  /** Connections by the name that they came with, from the moment that it was found right. */
  #connections = new Map<string, Set<Client>>();
  /** The ids of sessions that outlive their connections, by name. */
  #sessions = new Map<string, Set<string>>();
  /** Counts whatever ended somebody’s rights: a look at them that was under way meanwhile is repeated. */
  #changes = 0;

  constructor({ root, authenticator, clock, endSession }: ClientSessionsOptions) {
    this.#root = root;
    this.#authenticator = authenticator;
    this.#clock = clock;
    this.#endSession = endSession;
    this.#listening = authenticator?.subscribe((username) => this.#ended(username)) ?? null;
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
  }

  /** @returns null when it may come in, else the reason */
  async admit(client: Client, username: string, password: string): Promise<string | null> {
    if (!this.#authenticator) return null;
    let guest: Guest | null;
    let changes: number;
    do {
      changes = this.#changes;
      guest = await this.#authenticator.admit(username, password);
    } while (guest && changes !== this.#changes);
    if (!guest) return 'wrong name or password';
    const { devices } = guest;
    const excess = devices === 'all' ? null : this.#excess(client, username);
    if (excess !== null) return excess;
    this.#admitted.set(client, {
      guest,
      devices:
        devices === 'all' ? null : new Set(devices.map(({ home, twin }) => `${home}/${twin}`)),
      filters: new Set(),
    });
    this.#remember(username, client);
    return null;
  }

  /** Counts a session of a device. @returns why it has too many; null: it has not */
  #excess(client: Client, username: string): string | null {
    const connections = this.#connections.get(username) ?? new Set();
    // Another with its id takes the place of the one before
    const others = [...connections].filter(({ id }) => id !== client.id);
    if (others.length >= MAX_CONNECTIONS) {
      return `${username} has ${MAX_CONNECTIONS} connections already`;
    }
    const sessions = this.#sessions.get(username) ?? new Set();
    // The one that came last stands last
    sessions.delete(client.id);
    if (!client.clean) sessions.add(client.id);
    if (sessions.size > MAX_SESSIONS) this.#endOldest(sessions, others);
    if (sessions.size > 0) this.#sessions.set(username, sessions);
    else this.#sessions.delete(username);
    return null;
  }

  /** A device that takes another client id at each start must not be kept out by the sessions that it has left. */
  #endOldest(sessions: Set<string>, connected: readonly Client[]): void {
    for (const id of sessions) {
      if (connected.some((client) => client.id === id)) continue;
      sessions.delete(id);
      this.#endSession(id);
      return;
    }
  }

  /** Whether it speaks for devices of its own only. */
  isDevice(client: Client | null): boolean {
    return this.#of(client)?.devices != null;
  }

  /** The principal, as journals name it. @returns null for who came without a name */
  principalOf(client: Client | null): string | null {
    return this.#of(client)?.guest.principal ?? null;
  }

  mayPublish(client: Client | null, topic: string): boolean {
    const admitted = this.#of(client);
    if (!admitted?.devices) return true;
    const named = nativeTopic(this.#root, topic);
    return named !== null && isDeviceChannel(named.channel) && owns(admitted.devices, named);
  }

  /**
   * A filter must name the device: what a wildcard would reach is asked for in its own words. Counts the filter,
   * as each takes memory for as long as its session lives.
   */
  subscribe(client: Client, filter: string): boolean {
    const admitted = this.#of(client);
    if (!admitted?.devices) return true;
    const { devices, filters } = admitted;
    const named = nativeFilter(this.#root, filter);
    if (named === null || !owns(devices, named)) return false;
    if (!filters.has(filter) && filters.size >= MAX_FILTERS * devices.size) return false;
    filters.add(filter);
    return true;
  }

  /** Whether {@link subscribe} has allowed it. */
  hasFilter(client: Client, filter: string): boolean {
    const admitted = this.#of(client);
    return !admitted?.devices || admitted.filters.has(filter);
  }

  unsubscribed(client: Client, filters: readonly string[]): void {
    for (const filter of filters) this.#of(client)?.filters.delete(filter);
  }

  /**
   * Asked for each packet: a session may remember subscriptions that somebody else has made under its id. A device
   * hears the engine, and neither itself nor others that speak for it. Cuts off who does not read.
   */
  mayHear(client: Client, topic: string): boolean {
    const admitted = this.#of(client);
    const { device, bridge } = MAX_UNREAD_BYTES;
    if (unreadBytes(client) > (admitted?.devices ? device : bridge)) {
      client.conn.destroy(new Error('it does not read what it has subscribed to'));
      return false;
    }
    if (!admitted?.devices) return true;
    const named = nativeTopic(this.#root, topic);
    return named !== null && !isDeviceChannel(named.channel) && owns(admitted.devices, named);
  }

  /** Tells whoever keeps account of that. */
  refused(client: Client | null, verb: 'publish' | 'subscribe', topic: string): void {
    const guest = this.#of(client)?.guest;
    if (!guest || !this.#refusals.isNews(`${guest.username} ${topic}`, this.#clock.now())) return;
    this.#authenticator?.refused(guest, { verb, topic });
  }

  #of(client: Client | null): Admitted | undefined {
    return client ? this.#admitted.get(client) : undefined;
  }

  /** Its rights end at once: what aedes publishes of it while it closes (its Last Will) is refused too. */
  #ended(username: string): void {
    this.#changes++;
    for (const client of [...(this.#connections.get(username) ?? [])]) {
      const admitted = this.#admitted.get(client);
      if (admitted) this.#admitted.set(client, { ...admitted, devices: new Set() });
      client.close();
    }
    for (const id of this.#sessions.get(username) ?? []) this.#endSession(id);
    this.#sessions.delete(username);
  }

  #remember(username: string, client: Client): void {
    const all = this.#connections.get(username) ?? new Set();
    this.#connections.set(username, all.add(client));
    client.conn.once('close', () => {
      all.delete(client);
      if (all.size === 0 && this.#connections.get(username) === all) {
        this.#connections.delete(username);
      }
    });
  }
}

function owns(devices: ReadonlySet<string>, { home, kind, twin }: NativeTopic): boolean {
  return devices.has(`${home}/${twin}`) && (kind === '+' || isName(kind));
}

function unreadBytes({ conn }: Client): number {
  return 'writableLength' in conn ? conn.writableLength : 0;
}
