import type { HomePolicy } from './devices/home-policy.ts';
import type { GatewayState } from './gateways/gateway-state.ts';
import type { HomeVersion } from './homes/home-version.ts';
import { atomically, type Writing } from './store/atomically.ts';
import type { IdentityDatabase } from './store/open.ts';

/** What ends or changes somebody's rights: caches forget, open streams and connections look again. */
export type IdentityChange =
  | { type: 'session-ended'; session: string }
  | { type: 'membership'; home: string; person: string }
  | { type: 'key-changed'; key: string }
  | { type: 'device-changed'; home: string; twin: string }
  | { type: 'gateway-changed'; gateway: string }
  /** All gateways of a home as they are now. */
  | { type: 'gateways'; home: string; version: HomeVersion; gateways: readonly GatewayState[] }
  /** Null: as configured. */
  | { type: 'policy'; home: string; version: HomeVersion; policy: HomePolicy | null }
  /** A change failed, and it is not known whether the store has it: read again whatever is remembered. */
  | { type: 'unsure' };

export type Tell = (change: IdentityChange) => void;

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

  /**
   * Changes rights in one transaction, and tells of it once it is committed.
   * @param work says with `tell` what it changes
   */
  async commit<T>(
    database: IdentityDatabase,
    work: (writing: Writing, tell: Tell) => Promise<T>,
  ): Promise<T> {
    let told: IdentityChange[] = [];
    let result: T;
    try {
      result = await atomically(database, async (writing) => {
        told = [];
        return await work(writing, (change) => told.push(change));
      });
    } catch (error) {
      if (told.length > 0) this.publish({ type: 'unsure' });
      throw error;
    }
    for (const change of told) this.publish(change);
    return result;
  }
}
