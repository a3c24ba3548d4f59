import { Refusal } from '../problem.ts';

/** A stream that is open. */
export interface LiveConnection {
  /** The account on which it counts: see `accountOf`. */
  account: string;
  /** Asks the other side to go, after what was written has been read. */
  end(): void;
  /** Takes the connection down. */
  kill(): void;
}

const MAX_CONNECTIONS = 1_000;
/** The most connections of one person, or of all keys of a home. */
export const MAX_CONNECTIONS_OF_ONE = 50;
/** The part of the free connections that one account may have. */
const SHARE_OF_FREE = 0.25;
/** How long a connection may take to end when the server stops. */
const GRACE_MS = 1_000;

/** The open streams: bounded, and ended when the server stops. */
export class LiveConnections {
  #open = new Set<LiveConnection>();
  #isEnding = false;
  /** A timer for each connection that was asked to go: it takes the connection down when it does not go by itself. */
  #graces = new Map<LiveConnection, NodeJS.Timeout>();
  #onEmpty = () => {};

  /**
   * The fewer are free, the fewer one account may have: somebody with a dozen accounts leaves enough for the next.
   * @throws Refusal when there are too many, in all or of this one
   */
  assertRoom(account: string): void {
    const hint = 'Close some, or follow several homes on one WebSocket.';
    if (this.#open.size >= MAX_CONNECTIONS) {
      throw new Refusal('overloaded', `${MAX_CONNECTIONS} streams are open already`, { hint });
    }
    let own = 0;
    for (const connection of this.#open) if (connection.account === account) own++;
    if (
      own >= Math.min(MAX_CONNECTIONS_OF_ONE, (MAX_CONNECTIONS - this.#open.size) * SHARE_OF_FREE)
    ) {
      throw new Refusal('overloaded', `${account} has ${own} streams open already`, { hint });
    }
  }

  /**
   * One that comes while all are ended, as it was asked for before, begins and is ended at once.
   * @returns to be disposed when it has ended @throws what {@link assertRoom} throws
   */
  add(connection: LiveConnection): Disposable {
    this.assertRoom(connection.account);
    this.#open.add(connection);
    // Once its caller has begun: what has not begun cannot end
    if (this.#isEnding) queueMicrotask(() => this.#end(connection));
    return {
      [Symbol.dispose]: () => {
        this.#open.delete(connection);
        clearTimeout(this.#graces.get(connection));
        this.#graces.delete(connection);
        if (this.#open.size === 0) this.#onEmpty();
      },
    };
  }

  /** Resolves when all have ended: before that, whoever closes idle connections would cut off the last words. */
  async endAll(): Promise<void> {
    this.#isEnding = true;
    for (const connection of this.#open) this.#end(connection);
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #end(connection: LiveConnection): void {
    if (this.#graces.has(connection)) return;
    connection.end();
    if (!this.#open.has(connection)) return;
    // Who does not read does not see that it ends either
    this.#graces.set(
      connection,
      setTimeout(() => connection.kill(), GRACE_MS),
    );
  }
}
