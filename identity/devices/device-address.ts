/** A device, by its home and its twin. */
export interface DeviceAddress {
  home: string;
  twin: string;
}

/**
 * Tells a broker that checks passwords itself, before the secret counts. The embedded one asks instead.
 * @throws IdentityError `unavailable` when it cannot be told now
 */
export type AnnounceSecret = (account: BrokerAccount, secret: string) => Promise<void>;

/** A speaker that a broker of its own has to know. */
export interface BrokerAccount {
  username: string;
  devices: readonly DeviceAddress[];
}
