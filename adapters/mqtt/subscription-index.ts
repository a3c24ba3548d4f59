interface Node {
  children: Map<string, Node>;
  /** Subscribers of the filter that ends here, by client id. */
  subscribers: Map<string, Match>;
}

/** A client whose subscription matches a topic. */
export interface Match {
  client: string;
  filter: string;
  qos: 0 | 1 | 2;
}

/** Who has subscribed to what at the embedded broker, as a tree of topic levels. */
export class SubscriptionIndex {
  readonly #root: Node = node();
  #filters = new Map<string, Set<string>>();

  add(client: string, filter: string, qos: 0 | 1 | 2): void {
    let at = this.#root;
    for (const level of filter.split('/')) {
      let next = at.children.get(level);
      if (!next) {
        next = node();
        at.children.set(level, next);
      }
      at = next;
    }
    at.subscribers.set(client, { client, filter, qos });
    const known = this.#filters.get(client);
    if (known) known.add(filter);
    else this.#filters.set(client, new Set([filter]));
  }

  remove(client: string, filter: string): void {
    if (!this.#filters.get(client)?.delete(filter)) return;
    prune(this.#root, filter.split('/'), client);
  }

  /** Forgets the client's whole session. */
  forget(client: string): void {
    for (const filter of [...(this.#filters.get(client) ?? [])]) this.remove(client, filter);
    this.#filters.delete(client);
  }

  /** Every matching subscription; a client may have several. */
  match(topic: string): Match[] {
    const found: Match[] = [];
    const levels = topic.split('/');
    const walk = (at: Node, depth: number): void => {
      collect(at.children.get('#'), found);
      const level = levels[depth];
      if (level === undefined) {
        found.push(...at.subscribers.values());
        return;
      }
      for (const name of [level, '+']) {
        const next = at.children.get(name);
        if (next) walk(next, depth + 1);
      }
    };
    walk(this.#root, 0);
    return found;
  }
}

function node(): Node {
  return { children: new Map(), subscribers: new Map() };
}

function collect(at: Node | undefined, found: Match[]): void {
  if (at) found.push(...at.subscribers.values());
}

/** Takes the subscriber off and cuts what is left without any. */
function prune(at: Node, [level, ...rest]: string[], client: string): void {
  if (level === undefined) {
    at.subscribers.delete(client);
    return;
  }
  const next = at.children.get(level);
  if (!next) return;
  prune(next, rest, client);
  if (next.children.size === 0 && next.subscribers.size === 0) at.children.delete(level);
}
