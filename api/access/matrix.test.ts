/** Every operation × everyone who may come × their home and another: the answers are the table's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiBench, TOKEN } from '../http/testing/api-bench.ts';
import { permissions } from './permissions.ts';

const SCOPES = permissions.scopes;

type Verdict = 'may' | 'anonymous' | 'forbidden' | 'hidden';

interface Caller {
  name: string;
  token: () => string | null;
  /** What the table says of them, in h1, where they belong, and in h2, where they do not. */
  verdict: (action: string, home: 'h1' | 'h2') => Verdict;
}

interface Operation {
  method: string;
  path: string;
  action: string;
}

const HOUR_MS = 60 * 60_000;
let api: ApiBench;
const tokens = new Map<string, string>();

beforeAll(async () => {
  api = await ApiBench.open();
  await api.furnish();
  await api.post('/v1/homes', { id: 'h2' });
  await api.post('/v1/homes/h2/twins', { id: 'l1', kind: 'lamp' });
  for (const id of ['door', 'x']) await api.post('/v1/homes/h1/twins', { id, kind: 'lamp' });
  await api.post('/v1/homes/h2/twins', { id: 'x', kind: 'lamp' });
  const { people, memberships, keys, sessions } = api.identity;
  const make = async (name: string, isAdmin = false) => {
    const email = `${name}@example.org`;
    const password = 'correct horse battery staple';
    const person = await people.make({ email, password, name, language: 'en', isAdmin });
    const grant = await people.signIn(person, { address: null });
    tokens.set(name, grant.accessToken);
    return { ...person, session: grant.session };
  };
  for (const role of ['owner', 'admin', 'member', 'guest'] as const) {
    const { id } = await make(role);
    await memberships.add(
      'h1',
      id,
      { role, twins: role === 'guest' ? ['l1'] : [], until: null },
      id,
    );
  }
  const other = await make('other-guest');
  await memberships.add('h1', other.id, { role: 'guest', twins: ['door'], until: null }, other.id);
  const gone = await make('former-guest');
  const until = api.clock.now() + 1_000;
  await memberships.add('h1', gone.id, { role: 'guest', twins: ['l1'], until }, gone.id);
  await make('stranger');
  await make('platform-person', true);
  const { session } = await make('signed-out');
  await sessions.end(session, 'signed out');
  const key = async (name: string, home: string | null, scopes: readonly string[]) => {
    const made = await keys.make({ home, name, scopes: [...scopes], expiresAt: null }, 'test');
    tokens.set(name, made.secret);
    return made.key;
  };
  await key('key of h1', 'h1', SCOPES);
  await key('key for reading', 'h1', ['twin.read']);
  await key('key for all', null, SCOPES);
  const { id } = await key('revoked key', 'h1', SCOPES);
  await keys.revoke('h1', id);
  const { devices, gateways } = api.identity;
  tokens.set('device l1', await devices.make('h1', 'l1', 'test'));
  tokens.set('device door', await devices.make('h1', 'door', 'test'));
  tokens.set('revoked device', await devices.make('h2', 'l1', 'test'));
  await devices.revoke('h2', 'l1');
  const gateway = async (name: string, twins: string[]) => {
    const made = await gateways.make({ home: 'h1', name, fetches: true }, 'test');
    await gateways.assign('h1', made.gateway.id, twins, 'test');
    const grant = await gateways.login(made.gateway.id, made.secret, null);
    tokens.set(name, grant.accessToken);
    return made.gateway;
  };
  await gateway('gateway of l1', ['l1']);
  await gateway('gateway of nothing', []);
  const removed = await gateway('removed gateway', []);
  await gateways.revoke('h1', removed.id, 'test');
  const { hooks } = api.identity;
  tokens.set('webhook', await hooks.make({ home: 'h1', rule: 'x', hook: 'x' }, 'test'));
  tokens.set('webhook elsewhere', await hooks.make({ home: 'h1', rule: 'x', hook: 'y' }, 'test'));
  tokens.set('revoked webhook', await hooks.make({ home: 'h2', rule: 'x', hook: 'x' }, 'test'));
  await hooks.revoke({ home: 'h2', rule: 'x', hook: 'x' });
  api.clock.advance(1_000);
});
afterAll(() => api[Symbol.asyncDispose]());

const of = (name: string) => () => tokens.get(name) ?? null;

/** The table, read once more: nothing here asks the code that decides. */
function verdictOf(
  action: string,
  { role, owns = false }: { role: string | null; owns?: boolean },
): Verdict {
  const { place, who, own } = permissions.of(action);
  if (place === 'open' || place === 'signed-in' || place === 'person') return 'may';
  if (place === 'gateway') return role === 'gateway' ? 'may' : 'forbidden';
  if (place === 'hook') return 'anonymous';
  if (role === null) return place === 'platform' ? 'forbidden' : 'hidden';
  const may = (who as readonly string[]).includes(role);
  return may || (owns && own !== undefined && (own as readonly string[]).includes(role))
    ? 'may'
    : 'forbidden';
}

const nobody = (action: string): Verdict =>
  permissions.of(action).place === 'open' ? 'may' : 'anonymous';
const inHome =
  (role: string, owns = false) =>
  (action: string, home: 'h1' | 'h2'): Verdict => {
    const isTheirs = home === 'h1' && permissions.of(action).place !== 'platform';
    return verdictOf(action, { role: isTheirs ? role : null, owns });
  };
/** Neither is a person. */
const machine = (role: 'device' | 'gateway', owns: boolean) => {
  const may = inHome(role, owns);
  return (action: string, home: 'h1' | 'h2'): Verdict =>
    permissions.of(action).place === 'person' ? 'forbidden' : may(action, home);
};
const platform =
  (isPerson: boolean) =>
  (action: string): Verdict => {
    const isOwn = permissions.of(action).place === 'person';
    if (isOwn && !isPerson) return action === 'home.create' ? 'may' : 'forbidden';
    return verdictOf(action, { role: 'platform' });
  };
const key =
  (home: 'h1' | null, scopes: readonly string[]) =>
  (action: string, asked: 'h1' | 'h2'): Verdict => {
    const { place } = permissions.of(action);
    if (place === 'open' || place === 'signed-in') return 'may';
    if (place === 'hook') return 'anonymous';
    if (place === 'gateway') return 'forbidden';
    const isElsewhere = home !== null && asked !== home;
    if (isElsewhere && (place === 'home' || place === 'twin')) return 'hidden';
    if (home !== null && place === 'platform') return 'forbidden';
    return scopes.includes(action) ? 'may' : 'forbidden';
  };

/** It opens its own address only; at any other it is as good as none. */
const hook =
  (own: string | null) =>
  (action: string, home: 'h1' | 'h2'): Verdict => {
    const { place } = permissions.of(action);
    if (place === 'hook') return home === own ? 'may' : 'anonymous';
    return place === 'open' ? 'may' : 'anonymous';
  };

const CALLERS: Caller[] = [
  { name: 'no token', token: () => null, verdict: nobody },
  { name: 'a wrong token', token: () => 'wrong', verdict: nobody },
  { name: 'somebody signed out', token: of('signed-out'), verdict: nobody },
  { name: 'a revoked key', token: of('revoked key'), verdict: nobody },
  { name: 'the bootstrap token', token: () => TOKEN, verdict: platform(false) },
  { name: 'who runs the platform', token: of('platform-person'), verdict: platform(true) },
  { name: 'the owner', token: of('owner'), verdict: inHome('owner') },
  { name: 'an admin', token: of('admin'), verdict: inHome('admin') },
  { name: 'a member', token: of('member'), verdict: inHome('member') },
  { name: 'a guest with the twin', token: of('guest'), verdict: inHome('guest', true) },
  { name: 'a guest without the twin', token: of('other-guest'), verdict: inHome('guest') },
  {
    name: 'a guest whose time is over',
    token: of('former-guest'),
    verdict: (action) => verdictOf(action, { role: null }),
  },
  {
    name: 'somebody of no home',
    token: of('stranger'),
    verdict: (action) => verdictOf(action, { role: null }),
  },
  { name: 'a key of the home', token: of('key of h1'), verdict: key('h1', SCOPES) },
  { name: 'a key for reading', token: of('key for reading'), verdict: key('h1', ['twin.read']) },
  { name: 'a device', token: of('device l1'), verdict: machine('device', true) },
  { name: 'another device', token: of('device door'), verdict: machine('device', false) },
  { name: 'a revoked device', token: of('revoked device'), verdict: nobody },
  { name: 'a gateway', token: of('gateway of l1'), verdict: machine('gateway', true) },
  {
    name: 'a gateway without the twin',
    token: of('gateway of nothing'),
    verdict: machine('gateway', false),
  },
  { name: 'a removed gateway', token: of('removed gateway'), verdict: nobody },
  { name: 'the secret of a webhook', token: of('webhook'), verdict: hook('h1') },
  { name: 'the secret of another webhook', token: of('webhook elsewhere'), verdict: hook(null) },
  { name: 'a revoked secret of a webhook', token: of('revoked webhook'), verdict: nobody },
  { name: 'a key for all homes', token: of('key for all'), verdict: key(null, SCOPES) },
];

function operations(): Operation[] {
  const { paths } = api.app.swagger() as unknown as {
    paths: Record<string, Record<string, { 'x-permission': string }>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      action: operation['x-permission'],
    })),
  );
}

/** Asks without doing: what may pass is stopped by its body or its query, behind the door. */
async function verdict({ method, path }: Operation, token: string | null, home: string) {
  const url = path
    .replace('{home}', home)
    .replace('{twin}', 'l1')
    .replace(/\{\w+\}/g, 'x');
  const isRead = method === 'GET';
  const answer = await api.app.inject({
    method: method as 'GET',
    url: url.endsWith('/stream') ? `${url}?snapshot=perhaps` : url,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(!isRead && { 'content-type': 'text/plain' }),
    },
    ...(!isRead && { payload: 'nothing' }),
  });
  const { code } = answer.headers['content-type']?.toString().includes('problem+json')
    ? (answer.json() as { code: string })
    : { code: '' };
  if (code === 'unauthorized') return 'anonymous';
  if (code === 'forbidden') return 'forbidden';
  return code === 'unknown-home' ? 'hidden' : 'may';
}

describe('the table of permissions', () => {
  test('knows every operation', () => {
    for (const { method, path, action } of operations()) {
      expect(`${method} ${path} ${action}`).toMatch(/ [a-z]+\.[a-z-]+$/);
    }
  });

  test.each(CALLERS)('is what the doors say to $name', async ({ token, verdict: wanted }) => {
    const said: Record<string, Verdict> = {};
    const table: Record<string, Verdict> = {};
    for (const operation of operations()) {
      for (const home of ['h1', 'h2'] as const) {
        if (home === 'h2' && !operation.path.includes('{home}')) continue;
        const what = `${operation.method} ${operation.path} in ${home}`;
        said[what] = await verdict(operation, token(), home);
        table[what] = wanted(operation.action, home);
      }
    }
    expect(said).toEqual(table);
  });

  test('lets nobody in whose access token is old', async () => {
    api.clock.advance(HOUR_MS);
    for (const operation of operations()) {
      expect(await verdict(operation, tokens.get('owner') ?? null, 'h1')).toBe(
        nobody(operation.action),
      );
    }
  });
});
