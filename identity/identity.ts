import { Audit } from './audit/audit.ts';
import { IdentityChanges } from './changes.ts';
import {
  ANONYMOUS,
  type Decision,
  decideKey,
  FORBIDDEN,
  isFounder,
  MAY,
  PLATFORM,
} from './decision.ts';
import { ClaimCodes } from './devices/claim-codes.ts';
import type { AnnounceSecret } from './devices/device-address.ts';
import { DeviceCredentials } from './devices/device-credentials.ts';
import { Factory } from './devices/factory.ts';
import { HomePolicies } from './devices/home-policies.ts';
import { MqttAccounts } from './devices/mqtt-accounts.ts';
import { Gateways } from './gateways/gateways.ts';
import { type HomeUsage, homeQuotas, type IdentityQuotas, NO_QUOTAS } from './homes/home-quota.ts';
import { Incarnations } from './homes/incarnations.ts';
import { INVITATION_DAYS, Invitations } from './homes/invitations.ts';
import { Memberships } from './homes/memberships.ts';
import type { Existence } from './homes/twin-life.ts';
import { ApiKeys } from './keys/api-keys.ts';
import { MailLimits } from './mail/mail-limits.ts';
import type { LetterValues, Write } from './mail/templates.ts';
import { Directory } from './people/directory.ts';
import { holdPerson } from './people/hold-person.ts';
import { PasswordResets } from './people/password-resets.ts';
import { People } from './people/people.ts';
import { type RegistrationMode, Registrations } from './people/registrations.ts';
import { SecondFactors } from './people/second-factors.ts';
import { CORE_ACTIONS, Permissions, type Standing } from './permissions.ts';
import type { Principal } from './principal.ts';
import { type ProviderSettings, Providers } from './providers/providers.ts';
import { hashOf, isSecret } from './secrets.ts';
import { HomeSecrets } from './services/home-secrets.ts';
import { RuleHooks } from './services/rule-hooks.ts';
import { AccessTokens } from './sessions/access-tokens.ts';
import { Sessions } from './sessions/sessions.ts';
import { dayOf } from './store/daily-counts.ts';
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
  write: Write;
  onAuditFailure: (error: unknown) => void;
  announce: AnnounceSecret;
  /** The providers at which people may sign in. Default: none. */
  providers?: ProviderSettings;
  /** Default: `open`. */
  registration?: RegistrationMode;
  /** Who may do what. Default: without features. */
  permissions?: Permissions;
  /** Which homes and twins there are. Default: all that anybody names. */
  existence?: Existence;
  /** Default: without. */
  quotas?: Partial<IdentityQuotas>;
  /** Homes for which quotas of homes do not count. Default: none. */
  isExempt?: (home: string) => boolean;
}

const EVERYTHING: Existence = { hasHome: async () => true, incarnationOf: async () => '' };

const DAY_MS = 24 * 60 * 60_000;
/** How long ended sessions are kept, for who asks why an app was signed out. */
const ENDED_DAYS = 30;

/** Who is who, and who may what. */
export class Identity implements AsyncDisposable {
  readonly permissions: Permissions;
  readonly changes = new IdentityChanges();
  readonly people: People;
  readonly registrations: Registrations;
  readonly passwordResets: PasswordResets;
  readonly secondFactors: SecondFactors;
  readonly letterLimits: MailLimits;
  /** The lives of homes. */
  readonly homes: Incarnations;
  readonly invitations: Invitations;
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
  readonly mqttAccounts: MqttAccounts;
  readonly audit: Audit;
  readonly #accessTokens: AccessTokens;
  readonly #bootstrapHash: string;
  readonly #database: IdentityDatabase;
  readonly #clock: { now(): number };
  readonly #write: IdentityOptions['write'];

  private constructor(options: IdentityOptions) {
    const { database, clock, newId, write, announce } = options;
    const { changes } = this;
    this.permissions = options.permissions ?? new Permissions(CORE_ACTIONS);
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
      holdHolder: async (writing, { person, gateway }) => {
        if (gateway !== null) return await this.gateways.hold(writing, gateway);
        const held = person === null ? undefined : await holdPerson(writing, person);
        return held?.lockedAt === null ? { person: held.id, isAdmin: held.isAdmin === 1 } : null;
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
    const { sessions, audit } = this;
    const secrets = options.jwtSecrets;
    const limits = new MailLimits({ database, clock });
    this.letterLimits = limits;
    this.secondFactors = new SecondFactors({ database, clock, changes, secrets });
    const { secondFactors } = this;
    const ofAccounts = { database, clock, newId, sessions, changes, write };
    this.people = new People({ ...ofAccounts, secondFactors });
    const mode = options.registration ?? 'open';
    this.registrations = new Registrations({ ...ofAccounts, limits, mode });
    this.passwordResets = new PasswordResets({ ...ofAccounts, limits });
    this.directory = new Directory({ database, clock, sessions, changes });
    const { people, registrations } = this;
    this.providers = new Providers({
      ...{ database, clock, newId, people, registrations, audit, write, secrets },
      settings: options.providers ?? null,
    });
    const quotas = { ...NO_QUOTAS, ...options.quotas };
    const most = homeQuotas(quotas, options.isExempt);
    const existence = options.existence ?? EVERYTHING;
    this.gateways = new Gateways({
      database,
      existence,
      clock,
      newId,
      changes,
      sessions,
      announce,
    });
    this.homes = new Incarnations({
      ...{ database, existence, clock, changes, mostOfPerson: quotas.homesPerPerson },
      onEmptied: async (writing, { what, home, version }, tell) => {
        await this.gateways.retell(writing, home, version, tell);
        if (what === 'home') tell({ type: 'policy', home, version, policy: null });
      },
    });
    this.memberships = new Memberships({ database, existence, clock, changes });
    this.invitations = new Invitations({ database, existence, clock, newId, changes });
    this.keys = new ApiKeys({
      database,
      existence,
      clock,
      newId,
      changes,
      quota: most.keys,
      permissions: this.permissions,
    });
    const granting = { database, existence, clock, changes };
    this.devices = new DeviceCredentials({ ...granting, announce, quota: most.devices });
    const { devices, gateways, keys } = this;
    this.claimCodes = new ClaimCodes(granting);
    this.factory = new Factory({ ...granting, newId, credentials: devices });
    this.policies = new HomePolicies(granting);
    this.hooks = new RuleHooks(granting);
    this.secrets = new HomeSecrets({ ...granting, secrets });
    this.mqttAccounts = new MqttAccounts({ credentials: devices, gateways, keys, changes });
  }

  static async open(options: IdentityOptions): Promise<Identity> {
    const identity = new Identity(options);
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
    if (!claims || (await this.sessions.isEnded(claims.session))) return null;
    const { subject, session, home, isAdmin = false } = claims;
    if (home !== undefined) return { type: 'gateway', gateway: subject, home, session };
    return { type: 'person', person: subject, session, isAdmin };
  }

  /** Whether what let somebody in counts no more: for streams, which stay open for long. */
  async hasEnded(principal: Principal | null): Promise<boolean> {
    switch (principal?.type) {
      case 'person':
      case 'gateway':
        return await this.sessions.isEnded(principal.session);
      case 'key':
        return !(await this.keys.isGood(principal.key));
      case 'device':
        return !(await this.devices.has(principal.home, principal.twin));
      default:
        return principal === null;
    }
  }

  /** Whether whoever holds the session has proved who they are within this time. */
  async isProven(session: string, withinMs: number): Promise<boolean> {
    return (await this.sessions.provenAt(session)) > this.#clock.now() - withinMs;
  }

  /** @param twin null: the action is not about one */
  async decide(
    principal: Principal | null,
    action: string,
    home: string | null = null,
    twin: string | null = null,
  ): Promise<Decision> {
    const { place } = this.permissions.of(action);
    if (place === 'open') return MAY;
    if (!principal) return { may: false, because: 'anonymous' };
    // Whatever has a webhook’s secret may call it, and is nobody elsewhere; the route looks which one it is
    if (principal.type === 'hook' || place === 'hook') {
      return principal.type === 'hook' && place === 'hook' ? MAY : ANONYMOUS;
    }
    if (principal.type === 'key') return decideKey(principal, action, place, home);
    if (place === 'signed-in') return MAY;
    if (place === 'person') {
      return principal.type === 'person' || isFounder(principal, action) ? MAY : FORBIDDEN;
    }
    if (place === 'gateway') return principal.type === 'gateway' ? MAY : FORBIDDEN;
    const standing = await this.#standing(principal, home);
    if (standing) return this.permissions.permits(action, standing, twin) ? MAY : FORBIDDEN;
    return place === 'platform' ? FORBIDDEN : { may: false, because: 'hidden' };
  }

  /** The letter counts before; see `letterLimits`. */
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

  /** What a home has of what there are quotas of here. `limit` null: any number. */
  async usageOf(home: string): Promise<HomeUsage[]> {
    return [await this.devices.usage(home), await this.keys.usage(home)];
  }

  /** Removes what is of no use any more, and audit entries older than so many days. */
  async tidy(auditDays: number): Promise<void> {
    const now = this.#clock.now();
    await this.sessions.tidy(now - ENDED_DAYS * DAY_MS);
    await this.audit.tidy(now - auditDays * DAY_MS);
    await this.#database.deleteFrom('dailyCount').where('day', '<', dayOf(now)).execute();
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
