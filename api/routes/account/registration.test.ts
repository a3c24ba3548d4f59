import { afterEach, describe, expect, it } from 'vitest';
import type { RegistrationMode } from '../../../identity/index.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';

const PASSWORD = 'correct horse battery staple';
const free = { token: null };

let api: ApiBench;
afterEach(() => api[Symbol.asyncDispose]());

const open = async (registration: RegistrationMode) => {
  api = await ApiBench.open({ identity: { registration } });
  await api.furnish();
};
const register = (email: string, invitation?: unknown) =>
  api.post('/v1/auth/register', { email, password: PASSWORD, name: 'x', invitation }, free);
const invite = async (email?: string) =>
  (await api.post('/v1/homes/h1/invitations', { role: 'member', email })).body['code'];
const codes = () => api.letters.filter(({ name }) => name === 'verify-email').map(({ to }) => to);

describe('where only who is invited registers', () => {
  it('whose address was invited gets a code, and nobody is told who was', async () => {
    await open('invited');
    await invite('Ada@Example.org');
    const [ada, eve] = [await register('ada@example.org'), await register('eve@example.org')];
    expect([ada.status, eve.status]).toEqual([202, 202]);
    expect(Object.keys(eve.body)).toEqual(Object.keys(ada.body));
    expect(codes()).toEqual(['ada@example.org']);
  });

  it('whoever was given a code brings it along, and a wrong one is refused', async () => {
    await open('invited');
    const code = await invite();
    expect((await register('ada@example.org', code)).status).toBe(202);
    expect((await register('eve@example.org', 'WRNG-WRNG-WRNG-WRNG')).status).toBe(401);
    const bobs = await invite('bob@example.org');
    expect((await register('eve@example.org', bobs)).status).toBe(401);
    expect(codes()).toEqual(['ada@example.org']);
  });
});

describe('where nobody registers', () => {
  it('nobody does, invited or not', async () => {
    await open('closed');
    const code = await invite('ada@example.org');
    const refused = await register('ada@example.org', code);
    expect([refused.status, refused.body['code']]).toEqual([403, 'forbidden']);
    expect(codes()).toEqual([]);
  });
});

describe('as many as there may be', () => {
  it('are the homes of a person, many at once too; deleting one makes room', async () => {
    api = await ApiBench.open({ identity: { quotas: { homesPerPerson: 3 } } });
    const { token } = await api.person('ada@example.org');
    const make = (id: string) => api.post('/v1/homes', { id }, { token });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => make(`nest-${n}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.find(({ status }) => status !== 201);
    expect([refused?.status, refused?.body['code']]).toEqual([403, 'quota-exceeded']);
    const made = (await api.get('/v1/homes', { token })).items[0]?.['id'];
    await api.delete(`/v1/homes/${made}`, { token });
    expect((await make('another')).status).toBe(201);
    expect((await api.post('/v1/homes', { id: 'of-the-platform' })).status).toBe(201);
  });

  it('are the keys of a home; one that has ended makes room', async () => {
    api = await ApiBench.open({ identity: { quotas: { keysPerHome: 2 } } });
    await api.furnish();
    const expiresAt = api.clock.now() + 60_000;
    const make = () =>
      api.post('/v1/homes/h1/keys', { name: 'k', scopes: ['home.read'], expiresAt });
    const all = await Promise.all([make(), make(), make(), make()]);
    expect(all.map(({ status }) => status).sort()).toEqual([201, 201, 403, 403]);
    api.clock.advance(60_000);
    const later = { name: 'k', scopes: ['home.read'], expiresAt: api.clock.now() + 60_000 };
    expect((await api.post('/v1/homes/h1/keys', later)).status).toBe(201);
  });
});
