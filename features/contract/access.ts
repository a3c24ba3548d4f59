/**
 * What features ask of whoever knows who may come in: secrets of devices, gateways, claim codes, factory tokens, webhooks, and what a home
 * shows other services. Each right ends with the right of who gave it, in one transaction; so they are identity's, and features use them.
 *
 * `by`: who asks, as `RouteRequest.principal` has it. What takes it refuses, as `forbidden`, who may not any more; what takes something away
 * does not ask, since the route has.
 */

/** What happens to devices that a home does not know: made at once, listed to be claimed, or turned away. */
export const ADMISSIONS = ['open', 'claim', 'closed'] as const;
export type Admission = (typeof ADMISSIONS)[number];

export interface DeviceAddress {
  home: string;
  twin: string;
}

/** A central unit: it speaks for devices that cannot reach us themselves. */
export interface GatewayAccount {
  id: string;
  home: string;
  name: string;
  /** Whether it fetches commands over HTTP, having no MQTT. */
  fetches: boolean;
  /** Epoch ms. */
  createdAt: number;
  /** The last sign-in, epoch ms. */
  usedAt: number | null;
  twins: ReadonlySet<string>;
}

export interface GatewayAccounts {
  list(home: string): GatewayAccount[];
  /** @throws `not-found` */
  read(home: string, id: string): GatewayAccount;
  /** The secret is not to be had again. @throws `quota-exceeded`, `unavailable` */
  make(
    gateway: { home: string; name: string; fetches: boolean },
    by: string,
  ): Promise<{ gateway: GatewayAccount; secret: string }>;
  /**
   * Says for which devices it speaks; another gateway that did so before does no more.
   * @param incarnations of the twins that were looked at
   * @throws `not-found`, `conflict`
   */
  assign(
    home: string,
    id: string,
    twins: readonly string[],
    by: string,
    incarnations: ReadonlyMap<string, string>,
  ): Promise<GatewayAccount>;
  /** @returns a secret in place of the one before. @throws `not-found`, `unavailable` */
  renew(home: string, id: string, by: string): Promise<string>;
  /** @throws `not-found` */
  revoke(home: string, id: string, by: string): Promise<void>;
  /** Which gateway speaks for a device. Null: none. */
  speakerFor(home: string, twin: string): GatewayAccount | null;
}

export interface DeviceSecrets {
  /** @param incarnation of the twin that was looked at. @throws `quota-exceeded`, `unavailable`, `conflict` */
  make(home: string, twin: string, by: string, incarnation: string): Promise<string>;
  /** Whether a twin may have a secret. @throws `quota-exceeded` */
  assertRoom(address: DeviceAddress): Promise<void>;
  /** Tells a broker that checks passwords itself. @returns whether it is the device’s present one. @throws `unavailable` */
  announceIfPresent(address: DeviceAddress, secret: string): Promise<boolean>;
  /** @throws `not-found` */
  revoke(home: string, twin: string): Promise<void>;
  /** What a device is called at a broker. */
  usernameOf(address: DeviceAddress): string;
}

/** What a claim code lets a device into. */
export interface Claim {
  home: string;
  room: string | null;
  /** Whose device comes back with it, after a reset; null: a new one. */
  twin: string | null;
  /** The incarnation of the twin; null: a new device. */
  incarnation: string | null;
  /** Epoch ms. */
  expiresAt: number;
}

export interface ClaimCodes {
  /** @returns the code, which is not to be had again. @throws `conflict` */
  make(claim: Omit<Claim, 'incarnation'> & { incarnation?: string }, by: string): Promise<string>;
  /**
   * Uses a code up for something that may fail; then it counts again.
   * @param use is told who made the code
   * @throws `bad-credentials`, and whatever `use` throws
   */
  redeem<R>(code: string, use: (claim: Claim, by: string) => Promise<R>): Promise<R>;
}

export interface FactoryToken {
  id: string;
  name: string;
  /** The kind of the devices that it enrols. */
  kind: string;
  usesLeft: number;
  createdAt: number;
  expiresAt: number;
}

/** A device that has left the factory. */
export interface Enrolment {
  serial: string;
  kind: string;
  /** Null: nobody has claimed it. */
  claimed: DeviceAddress | null;
}

export interface Factory {
  list(): Promise<FactoryToken[]>;
  make(
    token: Pick<FactoryToken, 'name' | 'kind' | 'usesLeft' | 'expiresAt'>,
    by: string,
  ): Promise<{ token: FactoryToken; secret: string }>;
  /** @throws `not-found` */
  revoke(id: string): Promise<void>;
  /** @param mayBe throws for a kind that is not one of devices. @throws `bad-credentials`, `conflict` */
  enrol(
    token: string,
    serial: string,
    mayBe: (kind: string) => void,
  ): Promise<{ secret: string; code: string; kind: string; by: string }>;
  /** The device that a code belongs to. @throws `bad-credentials`, `conflict` */
  findByCode(code: string): Promise<Enrolment>;
  /** Whose secret it is. Null: of none, or it has ended. */
  findBySecret(secret: string): Promise<Enrolment | null>;
  /** Gives a device to a twin; its secret is the twin’s from now on. @throws `conflict` */
  claim(serial: string, home: string, twin: string, by: string, incarnation: string): Promise<void>;
}

export interface Admissions {
  /** Null: as configured. */
  of(home: string): Admission | null;
  set(home: string, policy: Admission, by: string): Promise<void>;
  /** Back to what is configured. */
  forget(home: string, by: string): Promise<void>;
}

export interface HookAddress {
  home: string;
  rule: string;
  hook: string;
}

/** The secrets with which others call webhooks of rules. */
export interface HookSecrets {
  list(home: string, rule: string): Promise<{ hook: string; createdAt: number }[]>;
  /** @param address `incarnation`: that of the rule that was looked at. @throws `conflict` */
  make(address: HookAddress & { incarnation: string }, by: string): Promise<string>;
  /** @throws `not-found` */
  revoke(address: HookAddress): Promise<void>;
}

/** What rules of a home show other services to be let in. */
export interface HomeSecrets {
  list(home: string): Promise<{ name: string; setAt: number }[]>;
  /** @throws `conflict` for a home that has too many */
  set(home: string, name: string, value: string, by: string): Promise<void>;
  /** @throws `not-found` */
  remove(home: string, name: string): Promise<void>;
}

export interface Access {
  gateways: GatewayAccounts;
  devices: DeviceSecrets;
  claimCodes: ClaimCodes;
  factory: Factory;
  policies: Admissions;
  hooks: HookSecrets;
  secrets: HomeSecrets;
}
