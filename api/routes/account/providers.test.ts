import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestProvider } from '../../../identity/providers/testing/test-provider.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';
import { callbackOf } from './providers.ts';

const ADA = { sub: 'ada-there', email: 'ada@example.org', email_verified: true, name: 'Ada L.' };
const nobody = { token: null };

let provider: TestProvider;
let api: ApiBench;
beforeAll(async () => {
  provider = await TestProvider.open();
  provider.expect(ADA);
});
afterAll(() => provider[Symbol.asyncDispose]());
beforeEach(async () => {
  api = await open();
});
afterEach(() => api[Symbol.asyncDispose]());

const open = (responseMode: 'query' | 'form_post' = 'query') =>
  ApiBench.open({
    identity: {
      providers: {
        all: [{ ...provider.options, responseMode }],
        callbackOf: (name) => callbackOf('https://homeostat.test/', name),
        appUrls: ['myapp://signed-in'],
        onFailure: () => {},
      },
    },
  });

/** @returns what the browser brings, and what the app kept */
const travel = async (start: string, token: string | null = null) => {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const begun = await api.post(start, { returnTo: 'myapp://signed-in', challenge }, { token });
  expect(begun.status).toBe(200);
  const answer = new URLSearchParams(await provider.visit(String(begun.body.url)));
  return { answer: answer.toString(), verifier };
};
const codeIn = (location: unknown) => new URL(String(location)).searchParams.get('code');
/** @returns what the app needs to finish */
const proof = async (start = '/v1/auth/providers/test/start', token: string | null = null) => {
  const { answer, verifier } = await travel(start, token);
  const back = await api.get(`/v1/auth/providers/test/callback?${answer}`, nobody);
  expect(back.status).toBe(303);
  expect(back.headers['cache-control']).toBe('no-store');
  return { code: codeIn(back.headers.location), verifier };
};
const finish = (body: object) => api.post('/v1/auth/providers/finish', body, nobody);

describe('signing in with somebody else', () => {
  it('is offered to everyone', async () => {
    const { items } = await api.get('/v1/auth/providers', nobody);
    expect(items).toEqual([{ name: 'test', label: 'Test' }]);
  });

  it('answers as the login does, and stands in the audit', async () => {
    const { status, body } = await finish({ ...(await proof()), deviceName: 'Ada’s phone' });
    expect(status).toBe(200);
    const { tokens, person } = body as {
      tokens: { accessToken: string };
      person: { id: string; hasPassword: boolean };
    };
    expect(person).toMatchObject({ email: ADA.email, hasPassword: false });
    const sessions = await api.get('/v1/me/sessions', { token: tokens.accessToken });
    expect(sessions.items).toMatchObject([{ deviceName: 'Ada’s phone', current: true }]);
    const { items } = await api.get('/v1/audit');
    expect(items).toContainEqual(
      expect.objectContaining({
        ...{ action: 'provider.sign-in', who: `person:${person.id}` },
        ...{ target: 'provider:test', outcome: 'done' },
      }),
    );
  });

  it('also works with a provider that has the browser bring a form', async () => {
    await api[Symbol.asyncDispose]();
    api = await open('form_post');
    const { answer, verifier } = await travel('/v1/auth/providers/test/start');
    const type = 'application/x-www-form-urlencoded';
    const raw = { type, text: `${answer}&user=${encodeURIComponent('{"name":{}}')}` };
    const back = await api.call('POST', '/v1/auth/providers/test/callback', { token: null, raw });
    expect(back.status).toBe(303);
    expect((await finish({ code: codeIn(back.headers.location), verifier })).status).toBe(200);
  });

  it('takes forms nowhere else, and nothing but forms there', async () => {
    const form = { type: 'application/x-www-form-urlencoded', text: 'state=x' };
    const elsewhere = await api.call('POST', '/v1/auth/login', { token: null, raw: form });
    const json = { type: 'application/json', text: '{"state":"x"}' };
    const url = '/v1/auth/providers/test/callback';
    expect(elsewhere.status).toBe(415);
    expect((await api.call('POST', url, { token: null, raw: json })).status).toBe(415);
    expect((await api.call('POST', url, { token: null, raw: form })).status).toBe(401);
  });

  it('does not take over an account, and says how to link it', async () => {
    await api.person(ADA.email);
    const { status, body } = await finish(await proof());
    expect([status, body.code, body.hint]).toEqual([
      ...[409, 'conflict'],
      expect.stringContaining('link Test there'),
    ]);
  });

  it('refuses a code that has been used, and one of somebody else', async () => {
    const { code, verifier } = await proof();
    expect((await finish({ code, verifier: 'v'.repeat(43) })).status).toBe(401);
    expect((await finish({ code, verifier })).status).toBe(200);
    expect((await finish({ code, verifier })).status).toBe(401);
  });

  it('says what is wrong before a browser is sent anywhere', async () => {
    const challenge = 'c'.repeat(43);
    const start = (name: string, body: object) =>
      api.post(`/v1/auth/providers/${name}/start`, { challenge, ...body }, nobody);
    expect((await start('test', { returnTo: 'https://evil.example/' })).status).toBe(422);
    expect((await start('nobody', { returnTo: 'myapp://signed-in' })).status).toBe(404);
    expect((await api.get('/v1/auth/providers/test/callback?state=x', nobody)).status).toBe(401);
    expect((await api.get('/v1/auth/providers/test/callback', nobody)).status).toBe(400);
    await provider.pause();
    const away = await start('test', { returnTo: 'myapp://signed-in' });
    await provider.resume();
    expect([away.status, away.body.code]).toEqual([503, 'unavailable']);
    expect(away.body.detail).toBe('Test does not answer at the moment');
  });
});

describe('linking another way in', () => {
  const START = '/v1/me/providers/test/start';
  const FINISH = '/v1/me/providers/test/finish';

  it('takes both proofs, is told by letter and in the audit, and can be undone', async () => {
    const { id, token } = await api.person('lovelace@example.org');
    const linked = await api.post(FINISH, await proof(START, token), { token });
    expect(linked.items).toMatchObject([{ name: 'test', label: 'Test', email: ADA.email }]);
    expect(api.letters.at(-1)).toMatchObject({ name: 'provider-linked' });
    expect((await finish(await proof())).body).toMatchObject({ person: { id } });
    expect((await api.get('/v1/me/providers', { token })).items).toHaveLength(1);
    expect((await api.delete('/v1/me/providers/test', { token })).status).toBe(204);
    expect((await api.get('/v1/me/providers', { token })).items).toEqual([]);
    const { items } = await api.get(`/v1/audit?who=person:${id}`);
    const targets = items.map(({ target }) => target);
    expect(targets).toEqual(expect.arrayContaining([`POST ${FINISH}`, 'provider:test']));
    expect(targets).toContain('DELETE /v1/me/providers/test');
  });

  it('is for who has begun it, and takes nothing from somebody else', async () => {
    const ada = await api.person('lovelace@example.org');
    const eve = await api.person('eve@example.org');
    const begun = await proof(START, ada.token);
    expect((await api.post(FINISH, begun, { token: eve.token })).status).toBe(401);
    expect((await api.post(FINISH, begun, { token: ada.token })).status).toBe(200);
    const taken = await api.post(FINISH, await proof(START, eve.token), { token: eve.token });
    expect(taken.status).toBe(409);
  });

  it('cannot be undone by who has no password', async () => {
    const { tokens } = (await finish(await proof())).body as { tokens: { accessToken: string } };
    const token = tokens.accessToken;
    const answer = await api.delete('/v1/me/providers/test', { token });
    expect([answer.status, answer.body.hint]).toEqual([
      409,
      expect.stringContaining('Set a password first'),
    ]);
    const change = { current: 'none that I know', next: 'a new long password' };
    expect((await api.put('/v1/me/password', change, { token })).status).toBe(422);
  });
});
