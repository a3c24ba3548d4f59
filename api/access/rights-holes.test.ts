/** Ways in which somebody once kept, took or inherited rights that are not theirs. Each was tried on a running server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../http/testing/api-bench.ts';

type Someone = Awaited<ReturnType<ApiBench['person']>>;

const free = { token: null };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const PASSWORD = 'correct horse battery staple';

let api: ApiBench;
let announced: { username: string; secret: string }[];
beforeEach(async () => {
  announced = [];
  api = await ApiBench.open({
    identity: {
      announce: async ({ username }, secret) => {
        announced.push({ username, secret });
      },
    },
    server: { isReserved: (home) => home === 'reserved' },
  });
  await api.furnish();
});
afterEach(() => api[Symbol.asyncDispose]());

const enrol = async (serial: string) => {
  const token = await api.post('/v1/factory-tokens', {
    ...{ name: 'Lot 7', kind: 'lamp', uses: 10, expiresAt: api.clock.now() + MINUTE_MS },
  });
  const made = await api.post('/v1/devices/enrol', { token: token.body['secret'], serial }, free);
  return made.body as { secret: string; code: string };
};
const askWith = (secret: unknown) => api.post('/v1/devices/enrolment', { secret }, free);
const lastTold = () => announced.at(-1)?.secret;

describe('a device has one secret', () => {
  it('and enrolment does not bring a replaced one back to the broker', async () => {
    const { secret, code } = await enrol('s-1');
    await api.post('/v1/homes/h1/claims', { code, id: 'lock' });
    expect((await askWith(secret)).status).toBe(200);
    const next = (await api.post('/v1/homes/h1/twins/lock/secret')).body['secret'];
    expect((await askWith(secret)).status).toBe(401);
    expect(lastTold()).toBe(next);
    expect((await api.get('/v1/homes/h1/twins/lock', { token: secret })).status).toBe(401);
  });

  it('and claiming anew with the code on the box does not make a revoked one count', async () => {
    const { secret, code } = await enrol('s-1');
    await api.post('/v1/homes/h1/claims', { code, id: 'lock' });
    await api.delete('/v1/homes/h1/twins/lock/secret');
    const again = await api.post('/v1/homes/h1/claims', { code, id: 'lock' });
    expect([again.status, again.body['hint']]).toEqual([
      409,
      'Let it in with a claim code, or enrol it once more where it was made.',
    ]);
    await api.delete('/v1/homes/h1/twins/lock');
    expect((await api.post('/v1/homes/h1/claims', { code, id: 'lock' })).status).toBe(409);
    expect((await askWith(secret)).status).toBe(401);
    expect((await api.get('/v1/homes/h1/twins/lock', { token: secret })).status).toBe(401);
    const anew = await enrol('s-1');
    expect((await api.post('/v1/homes/h1/claims', { code: anew.code })).status).toBe(201);
    expect((await askWith(anew.secret)).status).toBe(200);
  });

  it('and another device that is claimed under its name ends it', async () => {
    const [first, second] = [await enrol('s-1'), await enrol('s-2')];
    await api.post('/v1/homes/h1/claims', { code: first.code, id: 'lock' });
    await api.post('/v1/homes/h1/claims', { code: second.code, id: 'lock' });
    expect((await askWith(first.secret)).status).toBe(401);
    expect((await askWith(second.secret)).status).toBe(200);
  });

  it('and claim codes that wait for the twin end with it', async () => {
    await api.post('/v1/homes/h1/twins/l1/secret');
    const { code } = (await api.post('/v1/homes/h1/claim-codes', { twin: 'l1' })).body;
    await api.delete('/v1/homes/h1/twins/l1/secret');
    const claimed = await api.post('/v1/devices/claim', { code, id: 'x', kind: 'lamp' }, free);
    expect(claimed.status).toBe(401);
  });
});

describe('a home that the configuration names', () => {
  it('is the platform’s to make, and to hand over', async () => {
    const eve = await api.person('eve@example.org');
    const tried = await api.post('/v1/homes', { id: 'reserved' }, { token: eve.token });
    expect([tried.status, tried.body['detail']]).toEqual([
      409,
      'the id reserved is reserved on this server',
    ]);
    expect((await api.post('/v1/homes', { id: 'reserved' })).status).toBe(201);
    const handed = await api.put('/v1/homes/reserved/owner', { person: eve.id });
    expect(handed.status).toBe(200);
    expect((await api.get('/v1/homes/reserved', { token: eve.token })).status).toBe(200);
  });
});

describe('a home that cannot be made', () => {
  it('leaves nobody as its owner', async () => {
    const eve = await api.person('eve@example.org');
    const bob = await api.person('bob@example.org');
    const wrong = { id: 'nest', timezone: 'Mars/Olympus' };
    expect((await api.post('/v1/homes', wrong, { token: eve.token })).status).toBe(422);
    expect((await api.post('/v1/homes', { id: 'nest' }, { token: bob.token })).status).toBe(201);
    expect((await api.get('/v1/homes/nest', { token: eve.token })).status).toBe(404);
  });

  it('does not do so either when the engine fails in the midst of it', async () => {
    const [eve, bob] = [await api.person('eve@example.org'), await api.person('bob@example.org')];
    const { createHome } = api.engine;
    api.engine.createHome = () => Promise.reject(new Error('killed'));
    expect((await api.post('/v1/homes', { id: 'nest' }, { token: eve.token })).status).toBe(500);
    api.engine.createHome = createHome;
    expect((await api.post('/v1/homes', { id: 'nest' }, { token: bob.token })).status).toBe(201);
    expect((await api.get('/v1/homes/nest/members', { token: bob.token })).items).toHaveLength(1);
  });

  it('is free again, some minutes after a process died while it made it', async () => {
    const [eve, bob] = [await api.person('eve@example.org'), await api.person('bob@example.org')];
    const died = new Promise<never>(() => {});
    void api.identity.homes.make('nest', eve.id, () => died);
    await api.identity.keys.list(null);
    const take = () => api.post('/v1/homes', { id: 'nest' }, { token: bob.token });
    await expect.poll(() => api.identity.memberships.homesOf(eve.id)).toHaveLength(1);
    expect((await take()).status).toBe(409);
    api.clock.advance(6 * MINUTE_MS);
    expect((await take()).status).toBe(201);
    expect((await api.get('/v1/homes/nest', { token: eve.token })).status).toBe(404);
  });
});

describe('an id that is used again', () => {
  it('does not show the next owner of a home what its former one did', async () => {
    const [ada, bob] = [await api.person('ada@example.org'), await api.person('bob@example.org')];
    await api.post('/v1/homes', { id: 'nest' }, { token: ada.token });
    await api.patch('/v1/homes/nest', { name: 'Ada’s' }, { token: ada.token });
    api.clock.advance(1_000);
    await api.delete('/v1/homes/nest', { token: ada.token });
    api.clock.advance(1_000);
    await api.post('/v1/homes', { id: 'nest' }, { token: bob.token });
    await api.patch('/v1/homes/nest', { name: 'Bob’s' }, { token: bob.token });
    const seen = await api.get('/v1/homes/nest/audit', { token: bob.token });
    expect(seen.items.map(({ who, action }) => [who, action])).toEqual([
      [`person:${bob.id}`, 'home.change'],
    ]);
    const all = await api.get(`/v1/audit?who=person:${ada.id}`);
    expect(all.items.map(({ action }) => action)).toContain('home.change');
  });

  it('gives a guest nothing in the twin that comes after theirs', async () => {
    const [ada, bob] = [await api.person('ada@example.org'), await api.person('bob@example.org')];
    const owner = { token: ada.token };
    await api.post('/v1/homes', { id: 'nest' }, owner);
    await api.post('/v1/homes/nest/twins', { id: 'l1', kind: 'lamp' }, owner);
    const invite = async () =>
      (await api.post('/v1/homes/nest/invitations', { role: 'guest', twins: ['l1'] }, owner)).body;
    const { code } = await invite();
    const waiting = await invite();
    await api.post('/v1/invitations/accept', { code }, { token: bob.token });
    const steer = (who: Someone) =>
      api.patch('/v1/homes/nest/twins/l1/desired', { on: true }, { token: who.token });
    expect((await steer(bob)).status).toBe(200);
    await api.delete('/v1/homes/nest/twins/l1', owner);
    await api.post('/v1/homes/nest/twins', { id: 'l1', kind: 'lamp' }, owner);
    expect((await steer(bob)).status).toBe(403);
    const eve = await api.person('eve@example.org');
    const taken = await api.post(
      '/v1/invitations/accept',
      { code: waiting['code'] },
      { token: eve.token },
    );
    expect(taken.body).toMatchObject({ role: 'guest', twins: [] });
    expect((await steer(eve)).status).toBe(403);
  });

  it('is not promised to a guest before it is there', async () => {
    const invited = await api.post('/v1/homes/h1/invitations', { role: 'guest', twins: ['none'] });
    expect(invited.status).toBe(409);
  });

  it('costs nobody their rights when the deletion is refused', async () => {
    const { body } = await api.post('/v1/homes/h1/twins/l1/secret');
    const stale = { headers: { 'if-match': '"7"' } };
    expect((await api.delete('/v1/homes/h1/twins/l1', stale)).status).toBe(412);
    const token = String(body['secret']);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).status).toBe(200);
  });
});

describe('letters', () => {
  const invite = (email: string, who: { token?: string } = {}, home = 'h1') =>
    api.post(`/v1/homes/${home}/invitations`, { role: 'member', email }, who);

  it('to one address are few a day, whoever sends them, and say so to who sends', async () => {
    const eve = await api.person('eve@example.org');
    await api.post('/v1/homes', { id: 'evil' }, { token: eve.token });
    for (let n = 0; n < 3; n++) {
      expect((await invite('bob@example.org', { token: eve.token }, 'evil')).status).toBe(201);
    }
    const refused = await invite('Bob@Example.org', { token: eve.token }, 'evil');
    expect([refused.status, refused.body['hint']]).toEqual([
      429,
      'Leave out the address, and give them the code yourself.',
    ]);
    expect((await invite('bob@example.org')).status).toBe(429);
    expect(api.letters.filter(({ to }) => /bob/i.test(to))).toHaveLength(3);
    api.clock.advance(DAY_MS);
    expect((await invite('bob@example.org')).status).toBe(201);
  });

  it('of one sender are few a day, many at once too', async () => {
    const tries = Array.from({ length: 60 }, (_, n) => invite(`person-${n}@example.org`));
    const answers = await Promise.all(tries);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(api.letters.filter(({ name }) => name === 'invitation')).toHaveLength(20);
  });

  it('that say how to get back in are not silenced by who registers with the address', async () => {
    await api.person('ada@example.org');
    for (let n = 0; n < 20; n++) {
      const body = { email: 'ada@example.org', password: PASSWORD, name: 'x' };
      await api.post('/v1/auth/register', body, free);
    }
    await api.post('/v1/auth/forgot', { email: 'ada@example.org' }, free);
    expect(api.letters.at(-1)).toMatchObject({ to: 'ada@example.org', name: 'reset-password' });
  });

  it('that others ask for never leave the newest code in a mailbox without force', async () => {
    await api.person('ada@example.org');
    const forgot = () => api.post('/v1/auth/forgot', { email: 'ada@example.org' }, free);
    for (let n = 0; n < 100; n++) await forgot();
    const sent = api.letters.filter(({ name }) => name === 'reset-password');
    expect(sent).toHaveLength(5);
    const body = { email: 'ada@example.org', code: sent.at(-1)?.values['code'] };
    const reset = { ...body, password: 'another long password' };
    expect((await api.post('/v1/auth/reset', reset, free)).status).toBe(204);
    // And when that code is used up, or too old, there is another one at once
    await forgot();
    expect(api.letters.at(-1)?.name).toBe('reset-password');
    api.clock.advance(61 * MINUTE_MS);
    await forgot();
    expect(api.letters.filter(({ name }) => name === 'reset-password')).toHaveLength(7);
  });
});

describe('guessing', () => {
  it('many passwords at once tests as many as one after the other', async () => {
    const { email } = await api.identity.people.make({
      ...{ email: 'ada@example.org', password: PASSWORD, name: 'Ada', language: 'en' },
      isAdmin: false,
    });
    const guesses = Array.from({ length: 40 }, (_, n) =>
      api.post('/v1/auth/login', { email, password: `guess number ${n}` }, free),
    );
    const answers = await Promise.all(guesses);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(35);
  });
});

describe('a key', () => {
  const admit = async (owner: Someone, who: Someone) => {
    const { body } = await api.post(
      '/v1/homes/nest/invitations',
      { role: 'admin' },
      { token: owner.token },
    );
    await api.post('/v1/invitations/accept', { code: body['code'] }, { token: who.token });
  };
  const keyOf = async ({ token }: Someone) => {
    const body = { name: 'Key', scopes: ['home.read'] };
    return String((await api.post('/v1/homes/nest/keys', body, { token })).body['secret']);
  };
  const may = async (token: string) => (await api.get('/v1/homes/nest', { token })).status === 200;

  it('ends when whoever made it is removed, demoted, locked, or gone', async () => {
    const ada = await api.person('ada@example.org');
    await api.post('/v1/homes', { id: 'nest' }, { token: ada.token });
    const admins = ['bob', 'cid', 'dan', 'eve'].map((name) => `${name}@example.org`);
    const all: { who: Someone; key: string }[] = [];
    for (const email of admins) {
      const who = await api.person(email);
      await admit(ada, who);
      all.push({ who, key: await keyOf(who) });
    }
    const own = await keyOf(ada);
    for (const { key } of all) expect(await may(key)).toBe(true);
    const [bob, cid, dan, eve] = all.map(({ who }) => who);
    const owner = { token: ada.token };
    await api.delete(`/v1/homes/nest/members/${bob?.id}`, owner);
    await api.patch(`/v1/homes/nest/members/${cid?.id}`, { role: 'member' }, owner);
    await api.patch(`/v1/people/${dan?.id}`, { locked: true });
    await api.delete('/v1/me', { token: eve?.token ?? '' });
    for (const { key } of all) expect(await may(key)).toBe(false);
    expect(await may(own)).toBe(true);
  });

  it('ends with the time for which its maker is an admin', async () => {
    const [ada, bob] = [await api.person('ada@example.org'), await api.person('bob@example.org')];
    await api.post('/v1/homes', { id: 'nest' }, { token: ada.token });
    await admit(ada, bob);
    const key = await keyOf(bob);
    const until = api.clock.now() + MINUTE_MS;
    await api.patch(
      `/v1/homes/nest/members/${bob.id}`,
      { role: 'admin', until },
      { token: ada.token },
    );
    const later = await keyOf(bob);
    expect([await may(key), await may(later)]).toEqual([true, true]);
    api.clock.advance(MINUTE_MS);
    expect([await may(key), await may(later)]).toEqual([false, false]);
  });

  it('ends after 90 days, unless it says otherwise', async () => {
    const make = async (end: object) =>
      (await api.post('/v1/homes/h1/keys', { name: 'k', scopes: ['home.read'], ...end })).body;
    const byDefault = await make({});
    const forGood = await make({ expiresAt: null });
    const can = async ({ secret }: Record<string, unknown>) =>
      (await api.get('/v1/homes/h1', { token: String(secret) })).status;
    expect([await can(byDefault), await can(forGood)]).toEqual([200, 200]);
    api.clock.advance(90 * DAY_MS);
    expect([await can(byDefault), await can(forGood)]).toEqual([401, 200]);
  });
});

describe('what somebody must not do with a session that they have found', () => {
  it.each([
    ['POST', '/v1/homes/nest/keys', { name: 'k', scopes: ['home.read'] }],
    ['PUT', '/v1/homes/nest/owner', { person: 'x' }],
    ['POST', '/v1/me/second-factor', undefined],
    ['POST', '/v1/me/providers/none/start', { returnTo: 'x:', challenge: 'a'.repeat(43) }],
    ['DELETE', '/v1/me', undefined],
  ])('%s %s asks for the password again after ten minutes', async (method, url, body) => {
    const ada = await api.person('ada@example.org');
    const token = { token: ada.token };
    await api.post('/v1/homes', { id: 'nest' }, token);
    api.clock.advance(11 * MINUTE_MS);
    const refused = await api.call(method, url, { body, ...token });
    expect([refused.status, refused.body['code']]).toEqual([403, 'proof-required']);
    const prove = (password: string) => api.post('/v1/me/proof', { password }, token);
    expect((await prove('not the password')).status).toBe(401);
    expect((await prove(PASSWORD)).status).toBe(204);
    const answer = await api.call(method, url, { body, ...token });
    expect(answer.text).not.toContain('proof-required');
  });
});

describe('a request whose body takes its time', () => {
  it('is not done for somebody who has lost the right meanwhile', async () => {
    const [ada, bob] = [await api.person('ada@example.org'), await api.person('bob@example.org')];
    const owner = { token: ada.token };
    await api.post('/v1/homes', { id: 'nest' }, owner);
    const { code } = (await api.post('/v1/homes/nest/invitations', { role: 'admin' }, owner)).body;
    await api.post('/v1/invitations/accept', { code }, { token: bob.token });
    const address = await api.listen();
    const { identity } = api;
    const { decide } = identity;
    const letIn = new Promise<void>((resolve) => {
      identity.decide = async (principal, action, ...where) => {
        const decision = await decide.call(identity, principal, action, ...where);
        if (action === 'devices.manage') resolve();
        return decision;
      };
    });
    const late = new TransformStream<Uint8Array>();
    const writer = late.writable.getWriter();
    const answer = fetch(`http://${address}/v1/homes/nest/gateways`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob.token}`, 'content-type': 'application/json' },
      body: late.readable,
      duplex: 'half',
    } as RequestInit);
    await writer.write(new TextEncoder().encode('{"name": '));
    await letIn;
    await api.delete(`/v1/homes/nest/members/${bob.id}`, owner);
    await writer.write(new TextEncoder().encode('"late"}'));
    await writer.close();
    expect((await answer).status).toBe(404);
    expect((await api.get('/v1/homes/nest/gateways', owner)).items).toEqual([]);
  });
});
