import { Refusal } from '../problem.ts';

/** A stream that is open. */
export interface LiveConnection {
  /** Asks the other side to go, after what was written has been read. */
  end(): void;
  /** Takes the connection down. */
  kill(): void;
}

const MOST = 1_000;
/** How long a connection may take to end when the server stops. */
const GRACE_MS = 1_000;

/** The open streams: bounded, and ended when the server stops. */
export class LiveConnections {
  #open = new Set<LiveConnection>();

  /** @throws Refusal when there are too many */
  assertRoom(): void {
    if (this.#open.size < MOST) return;
    throw new Refusal('overloaded', `${MOST} streams are open already`, {
      hint: 'Close some, or follow several homes on one WebSocket.',
    });
  }

  /** @returns to be disposed when it has ended */
  add(connection: LiveConnection): Disposable {
    this.#open.add(connection);
    return { [Symbol.dispose]: () => this.#open.delete(connection) };
  }

  endAll(): void {
    for (const connection of this.#open) connection.end();
    if (this.#open.size === 0) return;
    // Who does not read does not see that it ends either
    setTimeout(() => {
      for (const connection of this.#open) connection.kill();
    }, GRACE_MS).unref();
  }
}
