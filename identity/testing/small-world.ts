import type { ManualClock } from '../../engine/model/manual-clock.ts';
import type { Existence } from '../homes/twin-life.ts';
import type { Identity, Person } from '../index.ts';
import { hashPassword } from '../people/passwords.ts';
import type { IdentityDatabase } from '../store/open.ts';

export const PASSWORD = 'correct horse battery staple';
export const TWIN = 'lamp';
export const nothing = async () => {};
const HOUR_MS = 60 * 60_000;

type PersonName = 'owner' | 'admin' | 'guest' | 'keeper' | 'newcomer';

/** A home, and everyone and everything that has rights in it. */
export interface SmallWorld {
  home: string;
  people: Record<PersonName, Person>;
  /** What each shows when they ask. */
  tokens: Record<string, string>;
  sessions: Record<PersonName, string>;
  refreshTokens: Record<PersonName, string>;
  gateway: { id: string; secret: string };
  key: string;
  /** Codes, not used yet. */
  invitation: string;
  claimCode: string;
  box: { serial: string; code: string };
  factoryToken: string;
  resetCode: string;
}

/** Homes (`home`) and twins (`home/twin`) that the engine has deleted. */
export const gone = new Set<string>();
export const existence: Existence = {
  hasHome: async (home) => !gone.has(home),
  incarnationOf: async ({ home, twin }) =>
    gone.has(home) || gone.has(`${home}/${twin}`) ? null : '',
};

let worlds = 0;
let passwordHash: Promise<string> | null = null;

/** @param letters where the letters of this identity go */
export async function makeWorld(
  identity: Identity,
  database: IdentityDatabase,
  clock: ManualClock,
  letters: Record<string, unknown>[],
): Promise<SmallWorld> {
  const n = ++worlds;
  const home = `home-${n}`;
  const { memberships, gateways } = identity;
  const tokens: Record<string, string> = {};
  const sessions = {} as SmallWorld['sessions'];
  const refreshTokens = {} as SmallWorld['refreshTokens'];
  const people = {} as SmallWorld['people'];
  passwordHash ??= hashPassword(PASSWORD);
  for (const name of ['owner', 'admin', 'guest', 'keeper', 'newcomer'] as const) {
    const email = `${name}-${n}@example.org`;
    const person = await identity.people.makeWithoutPassword({ email, name, language: 'en' });
    if (!person) throw new Error(`${email} is there already`);
    const isAdmin = name === 'keeper' ? 1 : 0;
    await database
      .updateTable('person')
      .set({ passwordHash: await passwordHash, isAdmin })
      .where('id', '=', person.id)
      .execute();
    const grant = await identity.people.signIn(person, { address: null });
    people[name] = person;
    tokens[name] = grant.accessToken;
    sessions[name] = grant.session;
    refreshTokens[name] = grant.refreshToken;
  }
  const { owner, admin, guest } = people;
  const byAdmin = `person:${admin.id}`;
  await identity.homes.make(home, owner.id, nothing);
  const admitted = { until: null, twins: [TWIN] };
  await memberships.add(home, admin.id, { ...admitted, role: 'admin' }, 'x');
  await memberships.add(home, guest.id, { ...admitted, role: 'guest' }, 'x');
  const { scopes } = identity.permissions;
  const made = await identity.keys.make({ home, name: 'k', scopes, expiresAt: null }, byAdmin);
  tokens['key'] = made.secret;
  tokens['device'] = await identity.devices.make(home, TWIN, 'x');
  tokens['hook'] = await identity.hooks.make({ home, rule: TWIN, hook: 'h' }, 'x');
  const { gateway, secret } = await gateways.make({ home, name: 'g', fetches: true }, 'x');
  await gateways.assign(home, gateway.id, [TWIN], 'x');
  tokens['gateway'] = (await gateways.login(gateway.id, secret, null)).accessToken;
  await identity.policies.set(home, 'open', 'x');
  const { code: invitation } = await identity.invitations.make(
    home,
    { ...admitted, role: 'guest' },
    { email: null, by: byAdmin },
  );
  const expiresAt = clock.now() + HOUR_MS;
  const claim = { home, room: null, twin: TWIN, expiresAt };
  const claimCode = await identity.claimCodes.make(claim, 'x');
  const lot = { name: 'lot', kind: 'lamp', expiresAt };
  const many = await identity.factory.make({ ...lot, usesLeft: 9 }, 'x');
  const once = await identity.factory.make({ ...lot, usesLeft: 1 }, 'x');
  const serial = `serial-${n}`;
  const { code } = await identity.factory.enrol(many.secret, serial);
  await identity.passwordResets.ask(admin.email);
  const resetCode = String(letters.at(-1)?.['code']);
  return {
    ...{ home, people, tokens, sessions, refreshTokens, key: made.key.id, invitation, claimCode },
    ...{ gateway: { id: gateway.id, secret }, box: { serial, code }, resetCode },
    factoryToken: once.secret,
  };
}

/** All that identity answers about who shows a token. */
async function ask(identity: Identity, world: SmallWorld, name: string): Promise<unknown> {
  const { home, tokens } = world;
  const token = tokens[name] ?? '';
  const principal = await identity.principalOf(token);
  const may: string[] = [];
  for (const action of identity.permissions.actions) {
    if ((await identity.decide(principal, action, home, TWIN)).may) may.push(action);
  }
  return {
    ...{ principal, may, homes: await identity.homesOf(principal) },
    hasEnded: await identity.hasEnded(principal),
    speaker: await identity.mqttAccounts.admit(`${home}/${TWIN}`, token),
  };
}

/** All that it answers about everyone. */
export async function askAll(identity: Identity, world: SmallWorld): Promise<unknown> {
  const answers: Record<string, unknown> = {};
  for (const name of Object.keys(world.tokens)) answers[name] = await ask(identity, world, name);
  const { id, secret } = world.gateway;
  return {
    ...answers,
    gateway: await identity.mqttAccounts.admit(id, secret),
    speaker: identity.gateways.speakerFor(world.home, TWIN)?.id ?? null,
    policy: identity.policies.of(world.home),
  };
}
