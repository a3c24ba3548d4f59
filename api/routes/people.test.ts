import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../http/testing/api-bench.ts';

const PASSWORD = 'correct horse battery staple';

let api: ApiBench;
beforeEach(async () => {
  api = await ApiBench.open();
});
afterEach(() => api[Symbol.asyncDispose]());

const people = async (...names: string[]) => {
  const made = [];
  for (const name of names) {
    made.push(await api.person(`${name}@example.org`));
    api.clock.advance(1_000);
  }
  return made;
};
const emails = async (query: string) =>
  (await api.get(`/v1/people${query}`)).items.map(({ email }) => email);

describe('people', () => {
  it('are listed newest first, page by page', async () => {
    await people('ada', 'emmy', 'grace');
    const first = await api.get('/v1/people?limit=2');
    expect(first.items).toMatchObject([
      { email: 'grace@example.org', locked: false, isAdmin: false, hasPassword: true },
      { email: 'emmy@example.org' },
    ]);
    const { nextCursor } = first.body;
    const second = await api.get(`/v1/people?limit=2&cursor=${String(nextCursor)}`);
    expect(second.items).toMatchObject([{ email: 'ada@example.org' }]);
    expect(second.body.nextCursor).toBeNull();
    expect((await api.get('/v1/people?cursor=none')).status).toBe(400);
  });

  it('of the same moment are each on one page', async () => {
    const register = (name: string) =>
      api.identity.people.make({
        ...{ email: `${name}@example.org`, password: PASSWORD, name },
        ...{ language: 'en', isAdmin: false },
      });
    for (const name of ['a', 'b', 'c']) await register(name);
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null; ) {
      const page = await api.get(`/v1/people?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ email }) => email));
      cursor = page.body.nextCursor;
    }
    expect(seen.sort()).toEqual(['a@example.org', 'b@example.org', 'c@example.org']);
  });

  it('are found by their address, or how it begins, however it is written', async () => {
    await people('ada', 'adam', 'emmy');
    expect(await emails('?email=ADA@example.org')).toEqual(['ada@example.org']);
    expect(await emails('?emailPrefix=Ada')).toEqual(['adam@example.org', 'ada@example.org']);
    expect(await emails('?emailPrefix=%25')).toEqual([]);
    expect(await emails('?email=ada')).toEqual([]);
  });

  it('who are locked are signed out at once, and stay out', async () => {
    const [ada] = await people('ada');
    const locked = await api.patch(`/v1/people/${ada?.id}`, { locked: true });
    expect(locked.body).toMatchObject({ locked: true, lockedAt: expect.any(String) as string });
    expect((await api.get('/v1/me', { token: ada?.token ?? '' })).status).toBe(401);
    const login = () =>
      api.post('/v1/auth/login', { email: 'ada@example.org', password: PASSWORD }, { token: null });
    expect((await login()).status).toBe(401);
    expect((await api.patch(`/v1/people/${ada?.id}`, { locked: false })).body).toMatchObject({
      locked: false,
    });
    expect((await login()).status).toBe(200);
  });

  it('run the platform from their next token on, and no more at once', async () => {
    const [ada] = await people('ada');
    const url = `/v1/people/${ada?.id}`;
    expect((await api.get('/v1/people', { token: ada?.token ?? '' })).status).toBe(403);
    expect((await api.patch(url, { admin: true })).body).toMatchObject({ isAdmin: true });
    const refreshToken = ada?.refreshToken;
    const next = await api.post('/v1/auth/refresh', { refreshToken }, { token: null });
    const token = String(next.body.accessToken);
    expect((await api.get('/v1/people', { token })).status).toBe(200);
    expect((await api.patch(url, { admin: false })).status).toBe(200);
    expect((await api.get('/v1/people', { token })).status).toBe(401);
  });

  it('lock nobody but others, and keep what they are', async () => {
    const person = await api.identity.people.make({
      ...{ email: 'root@example.org', password: PASSWORD, name: 'Root' },
      ...{ language: 'en', isAdmin: true },
    });
    const { accessToken: token } = await api.identity.people.signIn(person, { address: null });
    const change = (body: object) => api.patch(`/v1/people/${person.id}`, body, { token });
    expect((await change({ locked: true })).status).toBe(409);
    expect((await change({ admin: false })).status).toBe(409);
    expect((await change({ locked: false, admin: true })).status).toBe(200);
    expect((await api.get('/v1/me', { token })).status).toBe(200);
  });

  it('who are not there are not found', async () => {
    expect((await api.get('/v1/people/nobody')).status).toBe(404);
    expect((await api.patch('/v1/people/nobody', { locked: true })).status).toBe(404);
    const [ada] = await people('ada');
    expect((await api.patch(`/v1/people/${ada?.id}`, {})).status).toBe(400);
  });
});
