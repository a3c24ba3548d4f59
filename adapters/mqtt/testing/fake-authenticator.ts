import type { AccountBook, Authenticator, BrokerAccount, Guest } from '../authenticator.ts';

interface Known {
  account: BrokerAccount;
  password: string;
}

/** People of the tests who may come in, each as `home/twin`, or for several of them. */
export class FakeAuthenticator implements Authenticator, AccountBook {
  readonly refusals: string[] = [];
  #known = new Map<string, Known>();
  #listeners = new Set<(username: string) => void>();

  /** @param devices default: the one that the name names */
  let(username: string, password: string, devices: readonly string[] = [username]): this {
    this.#known.set(username, {
      account: {
        username,
        devices: devices.map((device) => {
          const [home = '', twin = ''] = device.split('/');
          return { home, twin };
        }),
      },
      password,
    });
    this.#tell(username);
    return this;
  }

  remove(username: string): void {
    this.#known.delete(username);
    this.#tell(username);
  }

  admit(username: string, password: string): Promise<Guest | null> {
    const known = this.#known.get(username);
    if (known?.password !== password) return Promise.resolve(null);
    return Promise.resolve({ ...known.account, principal: `guest:${username}` });
  }

  all(): Promise<BrokerAccount[]> {
    return Promise.resolve([...this.#known.values()].map(({ account }) => account));
  }

  find(username: string): Promise<BrokerAccount | null> {
    return Promise.resolve(this.#known.get(username)?.account ?? null);
  }

  subscribe(listener: (username: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  refused({ username }: Guest, { verb, topic }: { verb: string; topic: string }): void {
    this.refusals.push(`${username} ${verb} ${topic}`);
  }

  #tell(username: string): void {
    for (const listener of [...this.#listeners]) listener(username);
  }
}
