import { Audit } from './audit/audit.ts';
import { IdentityChanges } from './changes.ts';
import { ClaimCodes } from './devices/claim-codes.ts';
import { DeviceCredentials } from './devices/device-credentials.ts';
import { Factory } from './devices/factory.ts';
import { HomePolicies } from './devices/home-policies.ts';
import { type Announce, Speakers } from './devices/speakers.ts';
import { DeviceDays } from './gateways/device-days.ts';
import { Gateways } from './gateways/gateways.ts';
import { INVITATION_DAYS, Memberships } from './homes/memberships.ts';
import { ApiKeys } from './keys/api-keys.ts';
import type { LetterName, LetterValues } from './mail/letters.ts';
import { Directory } from './people/directory.ts';
import { People } from './people/people.ts';
import { type Action, permits, ruleOf, type Standing } from './permissions.ts';
import type { Principal } from './principal.ts';
import { type ProviderSettings, Providers } from './providers/providers.ts';
import { hashOf, isSecret } from './secrets.ts';
import { HomeSecrets } from './services/home-secrets.ts';
import { RuleHooks } from './services/rule-hooks.ts';
import { AccessTokens } from './sessions/access-tokens.ts';
import { Sessions } from './sessions/sessions.ts';
import type { IdentityDatabase } from './store/open.ts';

export interface IdentityOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  /** The platform's administrator before there are people. */
  bootstrapToken: string;
  /** The first signs access tokens, all verify. */
  jwtSecrets: readonly string[];
  /** Who issues the tokens: the address that people know the server by. */
  issuer: string;
  write: <N extends LetterName>(
    to: { email: string; language: string },
    name: N,
    values: LetterValues[N],
  ) => void;
  onAuditFailure: (error: unknown) => void;
  announce: Announce;
  /** With whom else people may sign in. Default: nobody. */
  providers?: ProviderSettings;
}

/** What an action comes to for somebody. */
export type Decision =
  | { may: true }
  /** `hidden`: the home is none of theirs, and answers as one that does not exist. */
  | { may: false; because: 'anonymous' | 'forbidden' | 'hidden' };

const DAY_MS = 24 * 60 * 60_000;
/** For who asks why an app was signed out. */
const ENDED_DAYS = 30;
/** A gateway that was away brings what it has kept. */
const DEVICE_DAYS_DAYS = 60;

/** Who is who, and who may what. */
export class Identity implements AsyncDisposable {
  readonly changes = new IdentityChanges();
  readonly people: People;
  readonly directory: Directory;
  readonly providers: Providers;
  readonly sessions: Sessions;
  readonly memberships: Memberships;
  readonly keys: ApiKeys;
  readonly devices: DeviceCredentials;
  readonly claimCodes: ClaimCodes;
  readonly factory: Factory;
  readonly policies: HomePolicies;
  readonly hooks: RuleHooks;
  readonly secrets: HomeSecrets;
  readonly gateways: Gateways;
  readonly deviceDays: DeviceDays;
  readonly speakers: Speakers;
  readonly audit: Audit;
  readonly #accessTokens: AccessTokens;
  readonly #bootstrapHash: string;
  readonly #database: IdentityDatabase;
  readonly #clock: { now(): number };
  readonly #write: IdentityOptions['write'];

  private constructor(options: IdentityOptions) {
    const { database, clock, newId, write, announce } = options;
    const { changes } = this;
    this.#database = database;
    this.#clock = clock;
    this.#write = write;
    this.#bootstrapHash = hashOf(options.bootstrapToken);
    this.#accessTokens = new AccessTokens({
      secrets: options.jwtSecrets,
      issuer: options.issuer,
      clock,
    });
    this.audit = new Audit({ database, clock, onFailure: options.onAuditFailure });
    this.sessions = new Sessions({
      ...{ database, clock, newId, changes, accessTokens: this.#accessTokens },
      holderOf: async ({ person, gateway }) => {
        if (person !== null) return await this.people.holder(person);
        const home = gateway === null ? undefined : this.gateways.find(gateway)?.home;
        return gateway === null || home === undefined ? null : { gateway, home };
      },
      onReuse: async ({ id, person, gateway }, address) => {
        const who = person === null ? `gateway:${gateway}` : `person:${person}`;
        const home = gateway === null ? null : (this.gateways.find(gateway)?.home ?? null);
        this.audit.record({
          ...{ home, who, address, action: 'session.reuse', target: `session:${id}` },
          ...{ outcome: 'alert', detail: null, correlation: id },
        });
        if (person !== null) write(await this.people.read(person), 'sessions-ended', {});
      },
    });
    this.people = new People({ database, clock, newId, sessions: this.sessions, write });
    this.directory = new Directory({ database, clock, sessions: this.sessions });
    const { people, audit } = this;
    this.providers = new Providers({
      ...{ database, clock, newId, people, audit, write },
      secrets: options.jwtSecrets,
      settings: options.providers ?? null,
    });
    this.memberships = new Memberships({ database, clock, newId, changes });
    this.keys = new ApiKeys({ database, clock, newId, changes });
    this.devices = new DeviceCredentials({ database, clock, changes, announce });
    this.claimCodes = new ClaimCodes({ database, clock });
    this.factory = new Factory({ database, clock, newId, credentials: this.devices });
    this.policies = new HomePolicies({ database, clock });
    this.hooks = new RuleHooks({ database, clock });
    this.secrets = new HomeSecrets({ database, clock, secrets: options.jwtSecrets });
    const { sessions, keys, devices } = this;
    this.gateways = new Gateways({ database, clock, newId, changes, sessions, announce });
    this.deviceDays = new DeviceDays({ database, clock });
    const { gateways } = this;
    this.speakers = new Speakers({ credentials: devices, gateways, keys, changes });
  }

  static async open(options: IdentityOptions): Promise<Identity> {
    const identity = new Identity(options);
    await identity.sessions.load();
    await identity.gateways.load();
    await identity.policies.load();
    return identity;
  }

  /** Who holds the token. @returns null for one that is none of ours, or counts no more */
  async principalOf(token: string): Promise<Principal | null> {
    if (isSecret(token, this.#bootstrapHash)) return { type: 'bootstrap' };
    if (ApiKeys.looksLike(token)) {
      const key = await this.keys.find(token);
      if (!key) return null;
      const { id, home, scopes, expiresAt } = key;
      return { type: 'key', key: id, home, scopes, expiresAt };
    }
    if (DeviceCredentials.looksLike(token)) {
      const device = await this.devices.find(token);
      return device && { type: 'device', ...device };
    }
    if (RuleHooks.looksLike(token)) {
      const address = await this.hooks.find(token);
      return address && { type: 'hook', ...address };
    }
    const claims = await this.#accessTokens.verify(token);
    if (!claims || this.sessions.isEnded(claims.session)) return null;
    const { subject, session, home, isAdmin = false } = claims;
    if (home !== undefined) return { type: 'gateway', gateway: subject, home, session };
    return { type: 'person', person: subject, session, isAdmin };
  }

  /** Whether what let somebody in counts no more: for streams, which stay open for long. */
  async hasEnded(principal: Principal | null): Promise<boolean> {
    switch (principal?.type) {
      case 'person':
      case 'gateway':
        return this.sessions.isEnded(principal.session);
      case 'key':
        return (
          !(await this.keys.isGood(principal.key)) ||
          (principal.expiresAt !== null && principal.expiresAt <= this.#clock.now())
        );
      case 'device':
        return !(await this.devices.has(principal.home, principal.twin));
      default:
        return principal === null;
    }
  }

  /** @param twin null: the action is not about one */
  async decide(
    principal: Principal | null,
    action: Action,
    home: string | null = null,
    twin: string | null = null,
  ): Promise<Decision> {
    const { place } = ruleOf(action);
    if (place === 'open') return MAY;
    if (!principal) return { may: false, because: 'anonymous' };
    // Whatever has a webhook’s secret may call it, and is nobody elsewhere; the route looks which one it is
    if (principal.type === 'hook' || place === 'hook') {
      return principal.type === 'hook' && place === 'hook' ? MAY : ANONYMOUS;
    }
    if (principal.type === 'key') return decideKey(principal, action, home);
    if (place === 'signed-in') return MAY;
    if (place === 'person') {
      return principal.type === 'person' || isFounder(principal, action) ? MAY : FORBIDDEN;
    }
    if (place === 'gateway') return principal.type === 'gateway' ? MAY : FORBIDDEN;
    const standing = await this.#standing(principal, home);
    if (standing) return permits(action, standing, twin) ? MAY : FORBIDDEN;
    return place === 'platform' ? FORBIDDEN : { may: false, because: 'hidden' };
  }

  sendInvitation(
    email: string,
    { language, ...values }: Omit<LetterValues['invitation'], 'days'> & { language: string },
  ): void {
    this.#write({ email, language }, 'invitation', { ...values, days: INVITATION_DAYS });
  }

  /** The homes that somebody sees, by id; null: all. */
  async homesOf(principal: Principal | null): Promise<string[] | null> {
    switch (principal?.type) {
      case 'bootstrap':
        return null;
      case 'person':
        if (principal.isAdmin) return null;
        return (await this.memberships.homesOf(principal.person)).map(({ home }) => home);
      case 'key':
        return principal.home === null ? null : [principal.home];
      case 'device':
      case 'gateway':
        return [principal.home];
      default:
        return [];
    }
  }

  /** A home is gone: nobody and nothing belongs to it any more. */
  async forgetHome(home: string): Promise<void> {
    await this.memberships.forget(home);
    await this.keys.forget(home);
    await this.gateways.forgetHome(home);
    await this.factory.release(home, null);
    await this.devices.forgetHome(home);
    await this.claimCodes.forgetHome(home);
    await this.policies.forget(home);
    await this.hooks.forgetHome(home);
    await this.secrets.forget(home);
    await this.deviceDays.forget(home, null);
  }

  /** A twin is gone, and its device may be somebody else’s from now on. */
  async forgetTwin(home: string, twin: string): Promise<void> {
    await this.gateways.forget(home, twin);
    await this.factory.release(home, twin);
    await this.devices.forget(home, twin);
    await this.deviceDays.forget(home, twin);
    await this.hooks.forget(home, twin);
  }

  /** The device comes in no more; with the code on its box it may be claimed anew. @throws IdentityError `not-found` */
  async revokeDevice(home: string, twin: string): Promise<void> {
    await this.factory.release(home, twin);
    await this.devices.revoke(home, twin);
  }

  /** Removes what is of no use any more, and audit entries older than so many days. */
  async tidy(auditDays: number): Promise<void> {
    const now = this.#clock.now();
    await this.sessions.tidy(now - ENDED_DAYS * DAY_MS);
    await this.audit.tidy(now - auditDays * DAY_MS);
    await this.deviceDays.tidy(now - DEVICE_DAYS_DAYS * DAY_MS);
    for (const table of ['registration', 'oneTimeCode', 'invitation', 'claimCode'] as const) {
      await this.#database.deleteFrom(table).where('expiresAt', '<', now).execute();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.audit[Symbol.asyncDispose]();
    await this.#database.destroy();
  }

  /** What somebody is in a home; without one, on the platform. Null: nothing at all. */
  async #standing(principal: Principal, home: string | null): Promise<Standing | null> {
    switch (principal.type) {
      case 'bootstrap':
        return PLATFORM;
      case 'person': {
        if (principal.isAdmin) return PLATFORM;
        const member = home === null ? null : await this.memberships.of(principal.person, home);
        return member && { role: member.role, owns: (twin) => member.twins.includes(twin) };
      }
      case 'device':
        if (principal.home !== home) return null;
        return { role: 'device', owns: (twin) => twin === principal.twin };
      case 'gateway':
        if (principal.home !== home) return null;
        return {
          role: 'gateway',
          owns: (twin) => this.gateways.speakerFor(home, twin)?.id === principal.gateway,
        };
      case 'key':
      case 'hook':
        return null;
    }
  }
}

const MAY: Decision = { may: true };
const ANONYMOUS: Decision = { may: false, because: 'anonymous' };
const FORBIDDEN: Decision = { may: false, because: 'forbidden' };
const PLATFORM: Standing = { role: 'platform', owns: () => true };

/** A key may do what is in its scopes, and one of a home nothing elsewhere. */
function decideKey(
  { home: own, scopes }: Principal & { type: 'key' },
  action: Action,
  home: string | null,
): Decision {
  const { place } = ruleOf(action);
  if (own !== null && home !== null && own !== home) return { may: false, because: 'hidden' };
  if (own !== null && place === 'platform') return FORBIDDEN;
  return place === 'signed-in' || scopes.includes(action) ? MAY : FORBIDDEN;
}

/** The bootstrap token makes homes that nobody owns yet. */
function isFounder({ type }: Principal, action: Action): boolean {
  return type === 'bootstrap' && action === 'home.create';
}
