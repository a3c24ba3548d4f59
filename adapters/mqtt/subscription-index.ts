import { Qlobber } from 'qlobber';

/** A client whose subscription matches a topic. */
export interface Match {
  client: string;
  filter: string;
  qos: 0 | 1 | 2;
}

const MQTT = {
  ...{ separator: '/', wildcard_one: '+', wildcard_some: '#', match_empty_levels: true },
  // A topic has 65,535 bytes at most; what is too long has been refused before
  max_words: 65_536,
};

/** Who has subscribed to what at the embedded broker. */
export class SubscriptionIndex {
  readonly #matches = new Qlobber<Match>(MQTT);
  /** Subscriptions of each client, by filter. */
  readonly #clients = new Map<string, Map<string, Match>>();

  add(client: string, filter: string, qos: 0 | 1 | 2): void {
    this.remove(client, filter);
    const match = { client, filter, qos };
    this.#matches.add(filter, match);
    const known = this.#clients.get(client);
    if (known) known.set(filter, match);
    else this.#clients.set(client, new Map([[filter, match]]));
  }

  remove(client: string, filter: string): void {
    const match = this.#clients.get(client)?.get(filter);
    if (!match) return;
    this.#matches.remove(filter, match);
    this.#clients.get(client)?.delete(filter);
  }

  /** Forgets the client's whole session. */
  forget(client: string): void {
    for (const filter of [...(this.#clients.get(client)?.keys() ?? [])])
      this.remove(client, filter);
    this.#clients.delete(client);
  }

  /** Every matching subscription; a client may have several. */
  match(topic: string): Match[] {
    return this.#matches.match(topic);
  }
}
