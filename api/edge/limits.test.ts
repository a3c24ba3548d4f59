import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiBench, EDGE, TOKEN } from '../http/testing/api-bench.ts';
import type { LimitOptions } from './limits.ts';

const MINUTE_MS = 60_000;
const LOGIN = { email: 'ada@example.org', password: 'not the password' };

// The package that counts reads the machine's clock
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function open(limits: Partial<LimitOptions>): Promise<ApiBench> {
  return ApiBench.open({ server: { edge: { ...EDGE, limits: { ...EDGE.limits, ...limits } } } });
}

async function limited(api: ApiBench, limit: string): Promise<number> {
  const { text } = await api.get('/metrics');
  const line = new RegExp(`^homeostat_http_limited_total\\{limit="${limit}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

describe('an address', () => {
  let api: ApiBench;
  let hashed: number;
  beforeEach(async () => {
    api = await open({ signIn: 3 });
    hashed = 0;
    const { people } = api.identity;
    const login = people.login.bind(people);
    people.login = async (...given) => {
      hashed++;
      return await login(...given);
    };
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const from = async (remoteAddress: string, url = '/v1/auth/login', token?: string) =>
    await api.app.inject({
      method: url === '/v1/auth/login' ? 'POST' : 'GET',
      url,
      remoteAddress,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(url === '/v1/auth/login' && { payload: LOGIN }),
    });

  it('may try to sign in a few times a minute, and costs no hash beyond', async () => {
    for (let n = 1; n <= 3; n++) expect((await from('10.0.0.1')).statusCode).toBe(401);
    const refused = await from('10.0.0.1');
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toMatchObject({ code: 'too-many-requests', hint: expect.any(String) });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(hashed).toBe(3);
    expect((await from('10.0.0.2')).statusCode).toBe(401);
    vi.setSystemTime(Date.now() + MINUTE_MS);
    expect((await from('10.0.0.1')).statusCode).toBe(401);
    expect(await limited(api, 'address')).toBe(1);
  });

  it('of IPv6 is one with all others of its network', async () => {
    for (let n = 1; n <= 3; n++) await from(`2001:db8:0:1::${n}`);
    expect((await from('2001:db8:0:1:ffff::9')).statusCode).toBe(429);
    expect((await from('2001:db8:0:2::1')).statusCode).toBe(401);
    for (let n = 1; n <= 3; n++) await from('::ffff:10.0.0.1');
    expect((await from('10.0.0.1')).statusCode).toBe(429);
  });

  it('may not guess tokens either, which holds up nobody beside it who has one', async () => {
    for (let n = 1; n <= 3; n++) {
      expect((await from('10.0.0.1', '/v1/homes', `wrong-${n}`)).statusCode).toBe(401);
    }
    expect((await from('10.0.0.1', '/metrics', 'wrong')).statusCode).toBe(429);
    expect((await from('10.0.0.1', '/nowhere')).statusCode).toBe(429);
    expect((await from('10.0.0.1', '/v1/homes', TOKEN)).statusCode).toBe(200);
    expect((await from('10.0.0.1', '/healthz')).statusCode).toBe(200);
    // Whoever has a token and signs in again is counted too: it costs a hash
    const again = await api.post('/v1/auth/login', LOGIN);
    expect(again.headers['ratelimit-remaining']).toBe('2');
  });
});

describe('a principal', () => {
  it('may ask so often a minute and no more, whatever others do', async () => {
    await using api = await open({ requests: 4 });
    const ada = await api.person('ada@example.org');
    const eve = await api.person('eve@example.org');
    const ask = (token: string) => api.get('/v1/me', { token });
    for (let left = 3; left >= 0; left--) {
      expect((await ask(ada.token)).headers).toMatchObject({
        'ratelimit-limit': '4',
        'ratelimit-remaining': String(left),
        'ratelimit-reset': '60',
      });
    }
    const refused = await ask(ada.token);
    expect([refused.status, refused.body.code]).toEqual([429, 'too-many-requests']);
    expect(refused.headers['retry-after']).toBe('60');
    expect((await ask(eve.token)).status).toBe(200);
    vi.setSystemTime(Date.now() + MINUTE_MS);
    expect((await ask(ada.token)).status).toBe(200);
    expect(await limited(api, 'principal')).toBe(1);
  });

  it('fills nobody’s audit with what was refused for being too much', async () => {
    await using api = await open({ requests: 2 });
    const { id, token } = await api.person('ada@example.org');
    for (let n = 1; n <= 10; n++) await api.patch('/v1/me', { name: `Ada ${n}` }, { token });
    const { items } = await api.get(`/v1/audit?who=person:${id}&action=account.manage`);
    expect(items).toHaveLength(2);
  });

  it('may always look after the server', async () => {
    await using api = await open({ requests: 1 });
    for (let n = 1; n <= 5; n++) {
      expect((await api.get('/metrics')).status).toBe(200);
      expect((await api.get('/readyz')).status).toBe(200);
    }
  });
});

describe('a home', () => {
  it('is asked for so often a minute by everyone together, and the next home is not held up', async () => {
    await using api = await open({ homeRequests: 3 });
    const ada = await api.person('ada@example.org');
    const eve = await api.person('eve@example.org');
    await api.post('/v1/homes', { id: 'a' }, ada);
    await api.post('/v1/homes', { id: 'e' }, eve);
    // Who may not come in takes nothing from those who live there
    for (let n = 1; n <= 9; n++) expect((await api.get('/v1/homes/a', eve)).status).toBe(404);
    for (let n = 1; n <= 3; n++) expect((await api.get('/v1/homes/a/twins', ada)).status).toBe(200);
    const refused = await api.get('/v1/homes/a', ada);
    expect([refused.status, refused.body.code]).toEqual([429, 'too-many-requests']);
    expect((await api.get('/v1/homes/a')).status).toBe(429);
    expect((await api.get('/v1/homes/e', eve)).status).toBe(200);
    expect(await limited(api, 'home')).toBe(2);
  });
});

it('no limit is one that counts nothing', async () => {
  await using api = await open({});
  for (let n = 1; n <= 50; n++) {
    const { status, headers } = await api.get('/v1/homes');
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('ratelimit-limit');
  }
});

it('every operation but the probes says what becomes of too many requests', async () => {
  await using api = await open({});
  const { paths } = api.app.swagger() as unknown as {
    paths: Record<string, Record<string, { responses: Record<string, { headers?: object }> }>>;
  };
  const silent = Object.entries(paths).flatMap(([path, methods]) =>
    Object.values(methods)
      .filter(({ responses }) => responses['429']?.headers === undefined)
      .map(() => path),
  );
  expect(silent).toEqual(['/healthz', '/readyz']);
});
