import { TOTP } from 'otpauth';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const ADA = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';
const free = { token: null };
const STEP_MS = 30_000;

let api: ApiBench;
let token: string;
let secret: string;
let recoveryCodes: string[];
beforeEach(async () => {
  api = await ApiBench.open();
  ({ token } = await api.person(ADA));
  const begun = await api.post('/v1/me/second-factor', undefined, { token });
  expect(begun.status).toBe(201);
  expect(begun.body['url']).toMatch(/^otpauth:\/\/totp\/Homeostat:ada%40example.org\?/);
  secret = String(begun.body['secret']);
  expect((await login()).status).toBe(200);
  const confirmed = await api.post('/v1/me/second-factor/confirm', { code: now() }, { token });
  recoveryCodes = confirmed.body['recoveryCodes'] as string[];
});
afterEach(() => api[Symbol.asyncDispose]());

const now = () => new TOTP({ secret }).generate({ timestamp: api.clock.now() });
const login = (more: object = {}) =>
  api.post('/v1/auth/login', { email: ADA, password: PASSWORD, ...more }, free);
const statusOf = async (more: object) => (await login(more)).status;

describe('a second factor', () => {
  it('is asked for beside the right password, and only then', async () => {
    const asked = await login();
    expect([asked.status, asked.body['code']]).toEqual([401, 'second-factor-required']);
    expect((await login({ password: 'not the password' })).body['code']).toBe('bad-credentials');
    api.clock.advance(STEP_MS);
    expect(await statusOf({ code: now() })).toBe(200);
    expect((await api.get('/v1/me/second-factor', { token })).body).toMatchObject({
      enabled: true,
    });
  });

  it('takes each code once, a step early or late, and none that is older', async () => {
    expect(await statusOf({ code: now() })).toBe(401);
    api.clock.advance(STEP_MS);
    const code = now();
    api.clock.advance(STEP_MS);
    expect(await statusOf({ code })).toBe(200);
    expect(await statusOf({ code })).toBe(401);
    const old = now();
    api.clock.advance(2 * STEP_MS);
    expect(await statusOf({ code: old })).toBe(401);
  });

  it('takes each code once, of two who come at the same time too', async () => {
    api.clock.advance(STEP_MS);
    const code = now();
    const both = await Promise.all([login({ code }), login({ code })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('is replaced by a recovery code, once each', async () => {
    expect(recoveryCodes).toHaveLength(10);
    const code = recoveryCodes[0]?.toLowerCase();
    expect(await statusOf({ code })).toBe(200);
    expect(await statusOf({ code })).toBe(401);
    expect(await statusOf({ code: recoveryCodes[1] })).toBe(200);
  });

  it('cannot be guessed, from however many networks', async () => {
    const guess = (n: number) =>
      api.app.inject({
        method: 'POST',
        url: '/v1/auth/login',
        remoteAddress: `10.0.0.${n}`,
        payload: { email: ADA, password: PASSWORD, code: String(100_000 + n) },
      });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => guess(n)));
    expect(answers.filter(({ statusCode }) => statusCode === 401).length).toBeLessThanOrEqual(10);
  });

  it('is no way round a password that was reset', async () => {
    await api.post('/v1/auth/forgot', { email: ADA }, free);
    const code = api.letters.at(-1)?.values['code'];
    const password = 'another long password';
    await api.post('/v1/auth/reset', { email: ADA, code, password }, free);
    expect((await login({ password })).body['code']).toBe('second-factor-required');
  });

  it('proves who one is, and is removed by who has done so', async () => {
    api.clock.advance(11 * 60_000);
    const remove = () => api.delete('/v1/me/second-factor', { token });
    expect((await remove()).status).toBe(403);
    expect((await api.post('/v1/me/proof', { code: now() }, { token })).status).toBe(204);
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
    expect((await login()).status).toBe(200);
  });
});
