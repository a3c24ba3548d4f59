import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const ADA = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';
const nobody = { token: null };

let api: ApiBench;
beforeEach(async () => {
  api = await ApiBench.open();
});
afterEach(() => api[Symbol.asyncDispose]());

const register = (email: string, password = PASSWORD) =>
  api.post('/v1/auth/register', { email, password, name: 'Ada' }, nobody);
const login = (email: string, password: string) =>
  api.post('/v1/auth/login', { email, password }, nobody);
const refresh = (refreshToken: unknown) => api.post('/v1/auth/refresh', { refreshToken }, nobody);
const lastLetter = () => api.letters.at(-1);

describe('signing in', () => {
  it('stands in the audit', async () => {
    const { id } = await api.person(ADA);
    await login(ADA, PASSWORD);
    const { items } = await api.get(`/v1/audit?who=person:${id}`);
    expect(items.map(({ target }) => target)).toEqual([
      'POST /v1/auth/login',
      'POST /v1/auth/verify',
    ]);
  });
});

describe('registering', () => {
  it('makes an account of a code that comes by letter, and signs in', async () => {
    const { status, body } = await register(ADA);
    expect(status).toBe(202);
    expect(lastLetter()).toMatchObject({ to: ADA, name: 'verify-email' });
    const code = lastLetter()?.values['code'];
    const verified = await api.post(
      '/v1/auth/verify',
      { registration: body.registration, code, deviceName: 'Ada’s phone' },
      nobody,
    );
    expect(verified.status).toBe(201);
    const { tokens } = verified.body as { tokens: { accessToken: string } };
    const me = await api.get('/v1/me', { token: tokens.accessToken });
    expect(me.body).toMatchObject({ email: ADA, name: 'Ada', isAdmin: false });
    const sessions = await api.get('/v1/me/sessions', { token: tokens.accessToken });
    expect(sessions.items).toMatchObject([{ deviceName: 'Ada’s phone', current: true }]);
  });

  it('answers alike for an address that has an account, and tells only its owner', async () => {
    await api.person(ADA);
    const again = await register('Ada@Example.org', 'another long password');
    expect(again.status).toBe(202);
    expect(again.body).toEqual({ registration: expect.any(String) as string });
    expect(lastLetter()).toMatchObject({ to: ADA, name: 'already-registered' });
    const guess = { registration: again.body.registration, code: '123456' };
    expect((await api.post('/v1/auth/verify', guess, nobody)).status).toBe(401);
    expect((await login(ADA, 'another long password')).status).toBe(401);
    expect((await login(ADA, PASSWORD)).status).toBe(200);
  });

  it('gives the account to whose code came back, not to whoever tried before', async () => {
    const thief = await register(ADA, 'password of a thief');
    await register(ADA);
    const code = lastLetter()?.values['code'];
    const stolen = await api.post(
      '/v1/auth/verify',
      { registration: thief.body.registration, code },
      nobody,
    );
    expect(stolen.status).toBe(401);
    expect((await login(ADA, 'password of a thief')).status).toBe(401);
  });

  it('ends after five wrong codes, and after twenty minutes', async () => {
    const first = await register(ADA);
    const right = lastLetter()?.values['code'];
    const verify = (registration: unknown, code: unknown) =>
      api.post('/v1/auth/verify', { registration, code }, nobody);
    for (let n = 0; n < 5; n++) await verify(first.body.registration, 'wrong');
    expect((await verify(first.body.registration, right)).status).toBe(401);

    const second = await register(ADA);
    const late = lastLetter()?.values['code'];
    api.clock.advance(20 * 60_000);
    expect((await verify(second.body.registration, late)).status).toBe(401);
  });

  it('refuses passwords that are easily guessed, and says what would do', async () => {
    for (const password of ['short', 'aaaaaaaaaaaaaaaa', 'adalovelace1815']) {
      const { status, body } = await register('adalovelace@example.org', password);
      expect([status, body.hint]).toEqual([422, expect.stringContaining('characters') as string]);
    }
  });

  it('writes a few letters to an address, and then no more for a while', async () => {
    for (let n = 0; n < 20; n++) expect((await register(ADA)).status).toBe(202);
    expect(api.letters.length).toBeLessThan(10);
  });
});

describe('signing in', () => {
  it('says the same of a wrong password and of an address without account', async () => {
    await api.person(ADA);
    const wrong = await login(ADA, 'not the password');
    const unknown = await login('nobody@example.org', 'not the password');
    expect(wrong.status).toBe(401);
    expect(wrong.body).toEqual(unknown.body);
  });

  it('makes guessing slow, and lets nobody be locked out from elsewhere', async () => {
    await api.person(ADA);
    for (let n = 0; n < 6; n++) await login(ADA, 'not the password');
    const guessed = await login(ADA, PASSWORD);
    expect(guessed.status).toBe(429);
    expect(Number(guessed.headers['retry-after'])).toBeGreaterThan(0);
    const elsewhere = await api.app.inject({
      method: 'POST',
      url: '/v1/auth/login',
      remoteAddress: '10.0.0.7',
      payload: { email: ADA, password: PASSWORD },
    });
    expect(elsewhere.statusCode).toBe(200);
    api.clock.advance(60_000);
    expect((await login(ADA, PASSWORD)).status).toBe(200);
  });
});

describe('a refresh token', () => {
  it('counts once; a second use ends the session and raises an alert', async () => {
    const ada = await api.person(ADA);
    const next = await refresh(ada.refreshToken);
    expect(next.status).toBe(200);
    api.clock.advance(11_000);
    expect((await refresh(ada.refreshToken)).status).toBe(401);
    expect((await refresh(next.body.refreshToken)).status).toBe(401);
    const newest = next.body.accessToken as string;
    expect((await api.get('/v1/me', { token: newest })).status).toBe(401);
    expect(lastLetter()).toMatchObject({ to: ADA, name: 'sessions-ended' });
    const { items } = await api.get('/v1/audit');
    expect(items).toContainEqual(
      expect.objectContaining({
        action: 'session.reuse',
        outcome: 'alert',
        who: `person:${ada.id}`,
      }),
    );
  });

  it('may be used again at once, for an answer that got lost; then the lost one ends it all', async () => {
    const ada = await api.person(ADA);
    const lost = await refresh(ada.refreshToken);
    const second = await refresh(ada.refreshToken);
    expect(second.status).toBe(200);
    expect((await refresh(second.body.refreshToken)).status).toBe(200);
    expect((await refresh(lost.body.refreshToken)).status).toBe(401);
    expect((await api.get('/v1/me', { token: second.body.accessToken as string })).status).toBe(
      401,
    );
  });
});

describe('a session', () => {
  it('ends at once when it is signed out, here or from another app', async () => {
    const phone = await api.person(ADA);
    const laptop = (await login(ADA, PASSWORD)).body as { tokens: { accessToken: string } };
    const token = laptop.tokens.accessToken;
    const { items } = await api.get('/v1/me/sessions', { token });
    const other = items.find(({ current }) => current === false);
    expect((await api.delete(`/v1/me/sessions/${other?.id}`, { token })).status).toBe(204);
    expect((await api.get('/v1/me', { token: phone.token })).status).toBe(401);
    expect((await api.post('/v1/auth/logout', undefined, { token })).status).toBe(204);
    expect((await api.get('/v1/me', { token })).status).toBe(401);
  });

  it('of somebody else is not to be ended', async () => {
    const ada = await api.person(ADA);
    const eve = await api.person('eve@example.org');
    const { items } = await api.get('/v1/me/sessions', { token: ada.token });
    const tried = await api.delete(`/v1/me/sessions/${items[0]?.id}`, { token: eve.token });
    expect(tried.status).toBe(404);
    expect((await api.get('/v1/me', { token: ada.token })).status).toBe(200);
  });
});

describe('a forgotten password', () => {
  it('is set anew by a letter, which ends all sessions', async () => {
    const ada = await api.person(ADA);
    expect((await api.post('/v1/auth/forgot', { email: ADA }, nobody)).status).toBe(202);
    expect(lastLetter()).toMatchObject({ to: ADA, name: 'reset-password' });
    const code = String(lastLetter()?.values['code']).toLowerCase();
    const reset = (password: string) =>
      api.post('/v1/auth/reset', { email: ADA, code, password }, nobody);
    expect((await reset('a new long password')).status).toBe(204);
    expect((await reset('another new password')).status).toBe(401);
    expect((await api.get('/v1/me', { token: ada.token })).status).toBe(401);
    expect((await login(ADA, PASSWORD)).status).toBe(401);
    expect((await login(ADA, 'a new long password')).status).toBe(200);
  });

  it('is answered alike for an address without account', async () => {
    const answer = await api.post('/v1/auth/forgot', { email: 'nobody@example.org' }, nobody);
    expect(answer.status).toBe(202);
    expect(api.letters).toEqual([]);
  });

  it('is not asked of who is signed in and knows it', async () => {
    const { token } = await api.person(ADA);
    const change = (current: string) =>
      api.put('/v1/me/password', { current, next: 'a new long password' }, { token });
    expect((await change('not the password')).status).toBe(401);
    expect((await change(PASSWORD)).status).toBe(204);
    expect((await api.get('/v1/me', { token })).status).toBe(200);
    expect((await login(ADA, 'a new long password')).status).toBe(200);
  });
});

describe('an account', () => {
  it('is its owner’s to change and to delete, but not while they own a home', async () => {
    const { token } = await api.person(ADA);
    expect((await api.patch('/v1/me', { language: 'de' }, { token })).body).toMatchObject({
      language: 'de',
      name: 'ada',
    });
    await api.post('/v1/homes', { id: 'nest' }, { token });
    expect((await api.delete('/v1/me', { token })).status).toBe(409);
    await api.delete('/v1/homes/nest', { token });
    expect((await api.delete('/v1/me', { token })).status).toBe(204);
    expect((await api.get('/v1/me', { token })).status).toBe(401);
    expect((await login(ADA, PASSWORD)).status).toBe(401);
  });
});
