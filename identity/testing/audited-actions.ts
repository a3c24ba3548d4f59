/** What takes rights, what gives them, and what can be had once: the tables that are interleaved. */
import type { IdentityChange } from '../changes.ts';
import type { Identity } from '../index.ts';
import { HOLDINGS } from '../store/holdings.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { Tables } from '../store/tables.ts';
import { gone, nothing, PASSWORD, type SmallWorld, TWIN } from './small-world.ts';

const here = { address: '127.0.0.1' };
const member = { role: 'guest', twins: [], until: null } as const;

type Deed = (identity: Identity, world: SmallWorld, database: IdentityDatabase) => Promise<unknown>;

/** What takes rights, by what it tells: one that is told and stands nowhere here does not compile. */
const TAKES = {
  membership: {
    'removes a guest': ({ memberships }, { home, people }) =>
      memberships.remove(home, people.guest.id, 'x'),
    'removes an admin': ({ memberships }, { home, people }) =>
      memberships.remove(home, people.admin.id, 'x'),
    'makes an admin a guest': ({ memberships }, { home, people }) =>
      memberships.change(home, people.admin.id, member, 'x'),
    'hands the home over': ({ memberships }, { home, people }) =>
      memberships.transfer(home, people.admin.id, 'x'),
    'deletes an account': ({ people: all }, { people }) => all.remove(people.admin.id),
    'deletes the home': ({ homes }, { home }) =>
      homes.remove(home, async () => void gone.add(home)),
    'deletes the twin': ({ homes }, { home }) =>
      homes.removeTwin({ home, twin: TWIN }, async () => void gone.add(`${home}/${TWIN}`)),
  },
  'session-ended': {
    'signs somebody out': ({ sessions }, world) => sessions.end(world.sessions.admin, 'signed out'),
    'locks an account': ({ directory }, { people }) => directory.lock(people.admin.id, true),
    'ends running the platform': ({ directory }, { people }) =>
      directory.promote(people.keeper.id, false),
    'resets a password': ({ passwordResets }, { people, resetCode }) =>
      passwordResets.reset(people.admin.email, resetCode, 'another long password'),
  },
  'key-changed': { 'revokes a key': ({ keys }, { home, key }) => keys.revoke(home, key) },
  'device-changed': {
    'replaces the secret of a device': ({ devices }, { home }) => devices.make(home, TWIN, 'x'),
    'revokes a device': ({ devices }, { home }) => devices.revoke(home, TWIN),
  },
  'gateway-changed': {
    'renews the secret of a gateway': ({ gateways }, { home, gateway }) =>
      gateways.renew(home, gateway.id, 'x'),
    'removes a gateway': ({ gateways }, { home, gateway }) =>
      gateways.revoke(home, gateway.id, 'x'),
  },
  gateways: {
    'takes the devices of a gateway': ({ gateways }, { home, gateway }) =>
      gateways.assign(home, gateway.id, [], 'x'),
  },
  policy: { 'closes a home': ({ policies }, { home }) => policies.set(home, 'closed', 'x') },
  unsure: {
    // As a commit whose answer got lost
    'writes, and does not hear that it has': async (
      { changes },
      { people, key, sessions },
      database,
    ) => {
      await database.deleteFrom('membership').where('person', '=', people.guest.id).execute();
      await database.updateTable('apiKey').set({ revokedAt: 1 }).where('id', '=', key).execute();
      const ended = { revokedAt: 4e12 };
      await database.updateTable('session').set(ended).where('id', '=', sessions.owner).execute();
      changes.publish({ type: 'unsure' });
    },
  },
} satisfies Record<IdentityChange['type'], Record<string, Deed>>;

export type TakeName = { [T in keyof typeof TAKES]: keyof (typeof TAKES)[T] }[keyof typeof TAKES];
export const takes = Object.assign({}, ...Object.values(TAKES)) as Record<TakeName, Deed>;

export interface Giving {
  does: Deed;
  /** What takes the right to it, or what it gave. */
  against: TakeName[];
  /** What must not be there when both are over, in whatever order they came. */
  left: (after: {
    identity: Identity;
    world: SmallWorld;
    database: IdentityDatabase;
    got: unknown;
  }) => Promise<unknown> | unknown;
}

const entered = async ({ identity, got }: Parameters<Giving['left']>[0]) => {
  const grant = (got as { grant?: { accessToken: string; refreshToken: string } } | undefined)
    ?.grant;
  if (!grant) return null;
  const renewed = await identity.sessions.refresh(grant.refreshToken, null).catch(() => null);
  return (await identity.principalOf(grant.accessToken)) ?? renewed;
};
const LOSING_HOME: TakeName[] = [
  'removes an admin',
  'makes an admin a guest',
  'locks an account',
  'deletes an account',
  'deletes the home',
];
const byAdmin = ({ people }: SmallWorld) => `person:${people.admin.id}`;

/** What gives rights, or lets somebody in. */
export const GIVES: Record<string, Giving> = {
  'a login': {
    does: async ({ people: all }, { people }) =>
      await all.login({ email: people.admin.email, password: PASSWORD }, here),
    against: ['resets a password', 'locks an account', 'deletes an account'],
    left: entered,
  },
  'a sign-in with a provider': {
    does: async ({ people: all }, { people }) => ({ grant: await all.signIn(people.admin, here) }),
    against: ['locks an account', 'deletes an account'],
    left: entered,
  },
  'a refresh': {
    does: async ({ sessions }, world) => ({
      grant: await sessions.refresh(world.refreshTokens.admin, null),
    }),
    against: ['signs somebody out', 'resets a password', 'locks an account', 'deletes an account'],
    left: entered,
  },
  'a refresh of who runs the platform': {
    does: async ({ sessions }, world) => ({
      grant: await sessions.refresh(world.refreshTokens.keeper, null),
    }),
    against: ['ends running the platform'],
    left: async ({ identity, got }) => {
      const token = (got as { grant?: { accessToken: string } } | undefined)?.grant?.accessToken;
      const principal = token === undefined ? null : await identity.principalOf(token);
      return principal?.type === 'person' && principal.isAdmin;
    },
  },
  'the login of a gateway': {
    does: async ({ gateways }, { gateway }) => ({
      grant: await gateways.login(gateway.id, gateway.secret, null),
    }),
    against: ['renews the secret of a gateway', 'removes a gateway', 'deletes the home'],
    left: entered,
  },
  'a change of password': {
    does: async ({ people: all }, { people, sessions }) =>
      await all.changePassword(
        people.admin.id,
        { current: PASSWORD, next: 'the password of a thief' },
        sessions.admin,
      ),
    against: ['resets a password'],
    left: async ({ identity, world }) =>
      await identity.people
        .login({ email: world.people.admin.email, password: 'the password of a thief' }, here)
        .then(
          () => 'the thief is in',
          () => null,
        ),
  },
  'making a key': {
    does: async ({ keys }, world) => {
      const { home } = world;
      const key = { home, name: 'late', scopes: ['twin.read' as const], expiresAt: null };
      return await keys.make(key, byAdmin(world));
    },
    against: LOSING_HOME,
    left: async ({ identity, got }) => {
      const secret = (got as { secret: string } | undefined)?.secret;
      return secret === undefined ? null : await identity.principalOf(secret);
    },
  },
  'making an invitation': {
    does: async ({ invitations }, world) =>
      await invitations.make(world.home, member, { email: 'late@example.org', by: byAdmin(world) }),
    against: LOSING_HOME,
    left: async ({ world, database }) =>
      await database
        .selectFrom('invitation')
        .select('id')
        .where('home', '=', world.home)
        .where('email', '=', 'late@example.org')
        .execute(),
  },
  'making a claim code': {
    does: async ({ claimCodes }, world) => {
      const claim = { home: world.home, room: 'late', twin: null, expiresAt: 1e15 };
      return await claimCodes.make(claim, byAdmin(world));
    },
    against: LOSING_HOME,
    left: async ({ world, database }) =>
      await database
        .selectFrom('claimCode')
        .select('codeHash')
        .where('home', '=', world.home)
        .where('room', '=', 'late')
        .execute(),
  },
  'making a gateway': {
    does: async ({ gateways }, world) =>
      await gateways.make({ home: world.home, name: 'late', fetches: true }, byAdmin(world)),
    against: ['deletes the home'],
    left: ofHome,
  },
  'setting a secret': {
    does: async ({ secrets }, world) => await secrets.set(world.home, 's', 'v', byAdmin(world)),
    against: ['deletes the home'],
    left: ofHome,
  },
  'taking an invitation': {
    does: async ({ invitations }, { invitation, people }) =>
      await invitations.accept(invitation, people.newcomer.id),
    against: ['deletes the home', 'deletes the twin'],
    left: ofTwin,
  },
  'giving a device its secret': {
    does: async ({ devices }, world) => await devices.make(world.home, TWIN, byAdmin(world)),
    against: ['deletes the home', 'deletes the twin'],
    left: ofTwin,
  },
  'claiming a device with the code on its box': {
    does: async ({ factory }, { home, box }) => await factory.claim(box.serial, home, TWIN, 'x'),
    against: ['deletes the twin', 'deletes the home'],
    left: ofTwin,
  },
  'coming in with a claim code': {
    does: async ({ claimCodes, devices }, { claimCode }) =>
      await claimCodes.redeem(claimCode, ({ home }, by) => devices.make(home, TWIN, by)),
    against: ['deletes the twin', 'deletes the home'],
    left: ofTwin,
  },
  'assigning a twin to a gateway': {
    does: async ({ gateways }, { home, gateway }) =>
      await gateways.assign(home, gateway.id, [TWIN], 'x'),
    against: ['deletes the twin', 'deletes the home'],
    left: ofTwin,
  },
  'making a guest of somebody': {
    does: async ({ memberships }, { home, people }) =>
      await memberships.change(home, people.guest.id, { ...member, twins: [TWIN] }, 'x'),
    against: ['deletes the twin', 'deletes the home'],
    left: ofTwin,
  },
  'making the secret of a webhook': {
    does: async ({ hooks }, { home }) => await hooks.make({ home, rule: TWIN, hook: 'l' }, 'x'),
    against: ['deletes the twin', 'deletes the home'],
    left: ofTwin,
  },
};

/** What can be had once. */
export const ONCE: Record<string, Deed> = {
  'a code that resets a password': ({ passwordResets }, { people, resetCode }) =>
    passwordResets.reset(people.admin.email, resetCode, 'another long password'),
  'an invitation': ({ invitations }, { invitation, people }) =>
    invitations.accept(invitation, people.newcomer.id),
  'a claim code': ({ claimCodes, devices }, { claimCode }) =>
    claimCodes.redeem(claimCode, ({ home }, by) => devices.make(home, TWIN, by)),
  'the last use of a factory token': ({ factory }, { factoryToken }) =>
    factory.enrol(factoryToken, `serial of ${Math.trunc(1e9 * performance.now())}`),
  'the id of a home': ({ homes }, { home, people }) =>
    homes.make(`${home}-next`, people.newcomer.id, nothing),
};

/** Rows about a home, in whatever table. */
async function ofHome({ world, database }: Parameters<Giving['left']>[0]): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const [table, holding] of Object.entries(HOLDINGS) as [keyof Tables, object | string][]) {
    if (typeof holding === 'string') continue;
    const rows = database.selectFrom(table as 'deviceCredential').selectAll();
    for (const row of await rows.where('home', '=', world.home).execute())
      found.push({ table, row });
  }
  return found;
}

/** Rows about the twin, in whatever table. */
async function ofTwin(after: Parameters<Giving['left']>[0]): Promise<unknown[]> {
  const rows = await ofHome(after);
  return rows.filter(
    (row) => JSON.stringify(row).includes(`"${TWIN}`) || JSON.stringify(row).includes(`\\"${TWIN}`),
  );
}
