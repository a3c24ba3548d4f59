/** Who may speak MQTT with us; whoever starts the adapter knows them. */

interface DeviceAddress {
  home: string;
  twin: string;
}

/** Somebody who has a name and a password. */
export interface Guest {
  username: string;
  /** The principal, as journals name it: `device:home/heater`. */
  principal: string;
  /**
   * The devices that this account speaks for. `all`: the account of a bridge, which also speaks dialects other than our
   * own.
   */
  devices: readonly DeviceAddress[] | 'all';
}

/** Asked by the embedded broker. */
export interface Authenticator {
  /** @returns null for a wrong name or password */
  admit(username: string, password: string): Promise<Guest | null>;
  /** @param listener called with the name of whoever may come in no more, or as somebody else */
  subscribe(listener: (username: string) => void): Disposable;
  /** A guest has tried what it may not; told once an hour for each topic. */
  refused(guest: Guest, attempt: { verb: 'publish' | 'subscribe'; topic: string }): void;
}

/** A guest that a broker elsewhere has to know by itself. */
export interface BrokerAccount {
  username: string;
  devices: readonly DeviceAddress[];
}

/** All that a broker elsewhere has to know. */
export interface AccountBook {
  all(): Promise<BrokerAccount[]>;
  /** @returns null for who may not come in */
  find(username: string): Promise<BrokerAccount | null>;
  subscribe(listener: (username: string) => void): Disposable;
}

/** Certificate and key in PEM, which may be renewed. */
export interface TlsSource {
  readonly current: { cert: Buffer; key: Buffer };
  subscribe(listener: (renewed: { cert: Buffer; key: Buffer }) => void): Disposable;
}
