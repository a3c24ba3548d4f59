/** What ends or changes somebody's rights: open streams and connections look again. */
export type IdentityChange =
  | { type: 'session-ended'; session: string }
  | { type: 'membership'; home: string; person: string }
  | { type: 'key-revoked'; key: string }
  | { type: 'device-changed'; home: string; twin: string }
  | { type: 'gateway-changed'; gateway: string };

/** Tells at once, in the same turn of the event loop. */
export class IdentityChanges {
  readonly #listeners = new Set<(change: IdentityChange) => void>();

  subscribe(listener: (change: IdentityChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  publish(change: IdentityChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
