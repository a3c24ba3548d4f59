import type { Client } from 'aedes';
import type { Clock } from '../../engine/index.ts';
import type { Doorkeeper, Guest } from './doorkeeper.ts';
import { UnknownTopics } from './unknown-topics.ts';

/** What devices say; the rest below the root is the engine’s to say. */
const LEVELS = { home: 0, twin: 2, count: 4 };

interface Admitted {
  guest: Guest;
  /** `home/twin` of each device; null: all. */
  devices: ReadonlySet<string> | null;
}

/**
 * Who is connected to the embedded broker, and as whom. Whoever came without a name, which only loopback
 * allows, may say and hear everything; a guest what belongs to its devices.
 */
export class Guests implements Disposable {
  readonly #doorkeeper: Doorkeeper | null;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #listening: Disposable | null;
  readonly #refusals = new UnknownTopics();
  #admitted = new WeakMap<Client, Admitted>();
  /** Connections by the name that they came with, from the moment that it was found right. */
  #connections = new Map<string, Set<Client>>();
  /** By client id, those whose session has begun. */
  #live = new Map<string, Client>();
  /** Counts whatever ended somebody’s rights: a look at them that was under way meanwhile is repeated. */
  #changes = 0;

  /** @param root the first levels of our own topics */
  constructor(root: string, doorkeeper: Doorkeeper | null, clock: Clock) {
    this.#root = root;
    this.#doorkeeper = doorkeeper;
    this.#clock = clock;
    this.#listening = doorkeeper?.subscribe((username) => this.#ended(username)) ?? null;
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
  }

  /** @returns null when it may come in, else the reason */
  async admit(client: Client, username: string, password: string): Promise<string | null> {
    if (!this.#doorkeeper) return this.admitNameless(client);
    let guest: Guest | null;
    let changes: number;
    do {
      changes = this.#changes;
      guest = await this.#doorkeeper.admit(username, password);
    } while (guest && changes !== this.#changes);
    if (!guest) return 'wrong name or password';
    const { devices } = guest;
    this.#admitted.set(client, {
      guest,
      devices:
        devices === 'all' ? null : new Set(devices.map(({ home, twin }) => `${home}/${twin}`)),
    });
    this.#remember(username, client);
    return this.admitNameless(client);
  }

  /** It came without a name. @returns null when it may come in, else the reason */
  admitNameless(client: Client): string | null {
    return this.#isTaken(client) ? `the client id ${client.id} is somebody else’s` : null;
  }

  /** Its session has begun. */
  entered(client: Client): void {
    this.#live.set(client.id, client);
  }

  left(client: Client): void {
    if (this.#live.get(client.id) === client) this.#live.delete(client.id);
  }

  /** As journals name it. @returns null for who came without a name */
  principalOf(client: Client | null): string | null {
    return this.#of(client)?.guest.principal ?? null;
  }

  mayPublish(client: Client | null, topic: string): boolean {
    const admitted = this.#of(client);
    if (!admitted?.devices) return true;
    const levels = this.#below(topic);
    return levels?.length === LEVELS.count && owns(admitted.devices, levels);
  }

  /** A filter must name the device: what a wildcard would reach is asked for in its own words. */
  maySubscribe(client: Client | null, filter: string): boolean {
    const admitted = this.#of(client);
    if (!admitted?.devices) return true;
    const levels = this.#below(filter);
    return levels !== null && owns(admitted.devices, levels);
  }

  /** Asked for each packet: a session may remember subscriptions that somebody else has made under its id. */
  mayHear(client: Client, topic: string): boolean {
    return this.maySubscribe(client, topic);
  }

  /** Tells whoever keeps account of that. */
  refused(client: Client | null, verb: 'publish' | 'subscribe', topic: string): void {
    const guest = this.#of(client)?.guest;
    if (!guest || !this.#refusals.isNews(`${guest.username} ${topic}`, this.#clock.now())) return;
    this.#doorkeeper?.refused(guest, { verb, topic });
  }

  #of(client: Client | null): Admitted | undefined {
    return client ? this.#admitted.get(client) : undefined;
  }

  /** An id names a session, and its messages: whoever has it keeps it from others. */
  #isTaken(client: Client): boolean {
    const holder = this.#live.get(client.id);
    return holder !== undefined && this.#nameOf(holder) !== this.#nameOf(client);
  }

  #nameOf(client: Client): string | undefined {
    return this.#of(client)?.guest.username;
  }

  #ended(username: string): void {
    this.#changes++;
    for (const client of [...(this.#connections.get(username) ?? [])]) client.close();
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

  /** The levels below the root. @returns null for a topic elsewhere */
  #below(topic: string): string[] | null {
    const prefix = `${this.#root}/`;
    return topic.startsWith(prefix) ? topic.slice(prefix.length).split('/') : null;
  }
}

function owns(devices: ReadonlySet<string>, levels: readonly string[]): boolean {
  return devices.has(`${levels[LEVELS.home]}/${levels[LEVELS.twin]}`);
}
