/**
 * Who may do what. Every route, stream and topic names an action of one table; the actions of this file and those of the features
 * are put together in it, and the page of the documentation and the matrix of the tests are made from it.
 */

/** What somebody is in a home, or on the platform. */
export const ROLES = [
  'platform',
  'owner',
  'admin',
  'member',
  'guest',
  'device',
  'gateway',
] as const;
export type Role = (typeof ROLES)[number];

/** Roles that people have in a home. */
export const HOME_ROLES = ['owner', 'admin', 'member', 'guest'] as const;
export type HomeRole = (typeof HOME_ROLES)[number];

/**
 * Where an action takes place. `open`: anyone, without a credential. `signed-in`: anyone with one.
 * `person`: a person, on what is theirs. `gateway`: a gateway, likewise. `hook`: who has the secret of a rule’s
 * webhook, there. `platform`: above all homes.
 * `home`: in one home. `twin`: on one twin of a home.
 */
export type Place =
  | 'open'
  | 'signed-in'
  | 'person'
  | 'gateway'
  | 'hook'
  | 'platform'
  | 'home'
  | 'twin';

/** Who may do something. */
export interface ActionRule {
  place: Place;
  what: string;
  /** Those who may. */
  who: readonly Role[];
  /** Those who may on their own twins only: a guest's declared ones, the device itself, a gateway's devices. */
  own?: readonly Role[];
  /** Whether an API key may be given it. */
  forKeys?: true;
}

const ALL = ['platform', 'owner', 'admin', 'member', 'guest'] as const;
const MEMBERS = ['platform', 'owner', 'admin', 'member'] as const;
const KEEPERS = ['platform', 'owner', 'admin'] as const;
const OWNERS = ['platform', 'owner'] as const;
const PLATFORM = ['platform'] as const;

const open = (what: string): ActionRule => ({ place: 'open', what, who: [] });
const signedIn = (what: string): ActionRule => ({
  place: 'signed-in',
  what,
  who: [],
  forKeys: true,
});
const ofPerson = (what: string): ActionRule => ({ place: 'person', what, who: [] });

/** Actions that are no feature’s. */
export const CORE_ACTIONS = {
  'health.read': open('ask whether it runs'),
  'account.enter': open('register, sign in, refresh, reset a password'),
  'gateway.enter': open('sign in as a gateway'),
  'device.enrol': open('let a device in with a claim code or a factory token'),

  'api.read': signedIn('read the documentation and the kinds'),
  'homes.list': signedIn('list the homes that one belongs to'),
  'live.connect': signedIn('open a WebSocket; each subscription is asked for by itself'),

  'account.manage': ofPerson('read and change one’s profile, password and sessions'),
  'home.create': ofPerson('make a home and own it'),
  'invitation.accept': ofPerson('accept an invitation'),

  'gateway.work': {
    place: 'gateway',
    what: 'report for its devices, upload their logs, fetch their commands',
    who: ['gateway'],
  },

  'hook.call': { place: 'hook', what: 'call a webhook of a rule, with its secret', who: [] },

  'metrics.read': { place: 'platform', what: 'read the metrics', who: PLATFORM, forKeys: true },
  'platform.read': {
    place: 'platform',
    what: 'see candidates, dead letters, projections and the audit of all homes',
    who: PLATFORM,
    forKeys: true,
  },
  'platform.mend': {
    place: 'platform',
    what: 'retry any dead letter, rebuild projections',
    who: PLATFORM,
    forKeys: true,
  },
  'people.manage': {
    place: 'platform',
    what: 'see and lock people, let them run the platform',
    who: PLATFORM,
  },
  'keys.manage-all': { place: 'platform', what: 'make keys for all homes', who: PLATFORM },
  'factory.manage': { place: 'platform', what: 'make factory tokens', who: PLATFORM },
  'mqtt.bridge': {
    place: 'platform',
    what: 'speak and hear all dialects at the embedded broker, as zigbee2mqtt does',
    who: PLATFORM,
    forKeys: true,
  },

  'home.leave': { place: 'home', what: 'leave it', who: ['owner', 'admin', 'member', 'guest'] },
  'home.read': { place: 'home', what: 'read the home', who: ALL, forKeys: true },
  'home.change': {
    place: 'home',
    what: 'rename it, set its timezone',
    who: KEEPERS,
    forKeys: true,
  },
  'usage.read': {
    place: 'home',
    what: 'see how much it has of what there are quotas of',
    who: KEEPERS,
    forKeys: true,
  },
  'home.delete': { place: 'home', what: 'delete it with all it holds', who: OWNERS },
  'home.follow': { place: 'home', what: 'follow it live', who: ALL, forKeys: true },
  'home.explain': {
    place: 'home',
    what: 'list commands and what became of them; read its journal and histories',
    who: MEMBERS,
    forKeys: true,
  },
  'home.mend': {
    place: 'home',
    what: 'see and retry dead letters',
    who: KEEPERS,
    forKeys: true,
  },
  'members.read': { place: 'home', what: 'see who belongs to it', who: MEMBERS },
  'members.manage': { place: 'home', what: 'invite, change and remove', who: KEEPERS },
  'owner.change': { place: 'home', what: 'hand it over to another', who: OWNERS },
  'keys.manage': { place: 'home', what: 'make and revoke its API keys', who: KEEPERS },
  'audit.read': { place: 'home', what: 'read its audit', who: KEEPERS, forKeys: true },

  'alerts.read': { place: 'home', what: 'see alerts', who: ALL, forKeys: true },
  'alerts.acknowledge': { place: 'home', what: 'acknowledge alerts', who: MEMBERS, forKeys: true },

  'secrets.manage': {
    place: 'home',
    what: 'set and remove the secrets that its rules send to other services',
    who: KEEPERS,
  },

  'twins.list': { place: 'home', what: 'list its twins', who: ALL, forKeys: true },
  'twin.make': { place: 'home', what: 'make a twin', who: KEEPERS, forKeys: true },
  'twin.read': {
    place: 'twin',
    what: 'read a twin',
    who: ALL,
    own: ['device', 'gateway'],
    forKeys: true,
  },
  'twin.explain': {
    place: 'twin',
    what: 'read its history, journal and timers',
    who: MEMBERS,
    forKeys: true,
  },
  'twin.steer': {
    place: 'twin',
    what: 'set what it should be, command it, send it an event',
    who: MEMBERS,
    own: ['guest'],
    forKeys: true,
  },
  'twin.report-for': {
    place: 'twin',
    what: 'say for a device what it would report: telemetry, status, acknowledgements',
    who: MEMBERS,
    forKeys: true,
  },
  'twin.override': {
    place: 'twin',
    what: 'end what others hold of it',
    who: MEMBERS,
    forKeys: true,
  },
  'twin.manage': {
    place: 'twin',
    what: 'change its settings, fire or cancel a timer, delete or replay it',
    who: KEEPERS,
    forKeys: true,
  },
  'twin.report': {
    place: 'twin',
    what: 'report what the device measures, hear its commands',
    who: [],
    own: ['device', 'gateway'],
  },
} as const satisfies Record<string, ActionRule>;

export type CoreAction = keyof typeof CORE_ACTIONS;

/** A role, and the twins that it reaches. */
export interface Standing {
  role: Role;
  /** Whether the twin is one of its own; never asked for those who may on all. */
  owns: (twin: string) => boolean;
}

/** The table of permissions. */
export class Permissions {
  readonly #rules = new Map<string, ActionRule>();

  /** @throws Error for an action that stands in two of the tables */
  constructor(...tables: readonly Readonly<Record<string, ActionRule>>[]) {
    for (const [action, rule] of tables.flatMap((table) => Object.entries(table))) {
      if (this.#rules.has(action)) throw new Error(`there are two actions "${action}"`);
      this.#rules.set(action, rule);
    }
  }

  get actions(): string[] {
    return [...this.#rules.keys()];
  }

  /** Actions that an API key may be given. */
  get scopes(): string[] {
    return this.actions.filter((action) => this.of(action).forKeys);
  }

  has(action: string): boolean {
    return this.#rules.has(action);
  }

  /** @throws Error for an action that no table has */
  of(action: string): ActionRule {
    const rule = this.#rules.get(action);
    if (!rule) throw new Error(`no table of permissions has the action "${action}"`);
    return rule;
  }

  /** Whether a role may, on a twin where the action is about one. */
  permits(action: string, { role, owns }: Standing, twin: string | null): boolean {
    const { who, own } = this.of(action);
    if (who.includes(role)) return true;
    return twin !== null && (own?.includes(role) ?? false) && owns(twin);
  }
}
