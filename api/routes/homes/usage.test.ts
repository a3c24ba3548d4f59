import { afterEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';
import { builtInKinds } from '../../kinds/built-in.ts';

let api: ApiBench;
afterEach(() => api[Symbol.asyncDispose]());

const RULE = (id: string) => ({
  definition: { rule: id, triggers: [{ every: '1h' }], actions: [{ stop: true }] },
});
const put = (id: string) => api.put(`/v1/homes/h1/rules/${id}`, RULE(id));
const usage = async (token?: string) => {
  const { items } = await api.get('/v1/homes/h1/usage', token === undefined ? {} : { token });
  return Object.fromEntries(items.map(({ quota, used, limit }) => [quota, [used, limit]]));
};
const refused = async (quota: string) => {
  const { text } = await api.get('/metrics');
  return text.match(new RegExp(`homeostat_quota_refused_total{quota="${quota}"} (.*)`))?.[1];
};

describe('a home that has as much as it may', () => {
  it('has no more twins made, and is told what the quota is', async () => {
    api = await ApiBench.open({ engine: { quotas: { twins: 1 } } });
    await api.furnish();
    const answer = await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      ...{ code: 'quota-exceeded', title: 'As many as there may be' },
      ...{ detail: 'the home h1 has 1 twins, and 1 at most' },
      quota: { name: 'twins', limit: 1, used: 1 },
    });
    expect(await refused('twins')).toBe('1');
  });

  it('has no more rules and drafts made, and goes on changing those that it has', async () => {
    const ofKinds = [{ quota: 'rules', kind: 'rule', limit: 2 }];
    api = await ApiBench.open({ engine: { kinds: builtInKinds, quotas: { ofKinds } } });
    await api.post('/v1/homes', { id: 'h1' });
    expect((await put('one')).status).toBe(201);
    expect((await put('two')).status).toBe(201);
    const third = await put('three');
    expect([third.status, third.body['quota']]).toEqual([
      403,
      { name: 'rules', limit: 2, used: 2 },
    ]);
    expect((await api.put('/v1/homes/h1/rules/one/draft', RULE('one'))).status).toBe(403);
    expect((await put('one')).status).toBe(200);
    await api.delete('/v1/homes/h1/rules/two');
    expect((await put('three')).status).toBe(201);
  });

  it('has no half of a kit made', async () => {
    api = await ApiBench.open({ engine: { kinds: builtInKinds, quotas: { twins: 3 } } });
    await api.post('/v1/homes', { id: 'h1' });
    const kit = (fans: string[]) => ({
      definition: {
        ...{ kit: 'bath', version: '1' },
        twins: Object.fromEntries(fans.map((id) => [id, { kind: 'relay' }])),
      },
    });
    const four = await api.put('/v1/homes/h1/kits/bath', kit(['a', 'b', 'c']));
    expect([four.status, four.body['code']]).toEqual([403, 'quota-exceeded']);
    expect((await api.get('/v1/homes/h1/twins')).items).toEqual([]);
    expect((await api.put('/v1/homes/h1/kits/bath', kit(['a', 'b']))).status).toBe(201);
    expect((await api.put('/v1/homes/h1/kits/bath', kit(['a', 'b']))).status).toBe(200);
    expect((await api.put('/v1/homes/h1/kits/bath', kit(['a', 'c', 'b']))).status).toBe(403);
  });

  it('has no more devices with a secret; a new secret for one that has one is no more', async () => {
    api = await ApiBench.open({ identity: { quotas: { devicesPerHome: 1 } } });
    await api.furnish();
    const claim = async (id: string) => {
      const { body } = await api.post('/v1/homes/h1/claim-codes', {});
      return await api.post(
        '/v1/devices/claim',
        { code: body['code'], id, kind: 'lamp' },
        { token: null },
      );
    };
    expect((await claim('l2')).status).toBe(201);
    const third = await claim('l3');
    expect([third.status, third.body['quota']]).toEqual([
      403,
      { name: 'devices', limit: 1, used: 1 },
    ]);
    expect((await api.get('/v1/homes/h1/twins/l3')).status).toBe(404);
    expect((await api.post('/v1/homes/h1/twins/l1/secret')).status).toBe(403);
    expect((await api.post('/v1/homes/h1/twins/l2/secret')).status).toBe(201);
    expect(await refused('devices')).toBe('2');
    await api.delete('/v1/homes/h1/twins/l2/secret');
    expect((await api.post('/v1/homes/h1/twins/l1/secret')).status).toBe(201);
  });

  it('has no more devices claimed from their box', async () => {
    api = await ApiBench.open({ identity: { quotas: { devicesPerHome: 1 } } });
    await api.furnish();
    const expiresAt = api.clock.now() + 60_000;
    const lot = { name: 'Lot', kind: 'lamp', uses: 9, expiresAt };
    const { body: token } = await api.post('/v1/factory-tokens', lot);
    const claim = async (serial: string) => {
      const enrol = { token: token['secret'], serial };
      const { body } = await api.post('/v1/devices/enrol', enrol, { token: null });
      return await api.post('/v1/homes/h1/claims', { code: body['code'] });
    };
    expect((await claim('s1')).status).toBe(201);
    expect((await claim('s2')).body['code']).toBe('quota-exceeded');
    expect((await api.get('/v1/homes/h1/twins/s2')).status).toBe(404);
  });

  it('has reports for its devices refused until the day is over, when it has written its share', async () => {
    api = await ApiBench.open({ engine: { quotas: { journalBytes: 2_000 } } });
    await api.furnish();
    const report = () => api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', on: true });
    let answer = await report();
    while (answer.status === 200) answer = await report();
    expect([answer.status, answer.body['code']]).toEqual([429, 'quota-exceeded']);
    const left = 86_400 - Math.floor((api.clock.now() / 1_000) % 86_400);
    expect(answer.headers['retry-after']).toBe(String(left));
    expect((await api.patch('/v1/homes/h1/twins/l1/desired', { on: true })).status).toBe(200);
    expect(await refused('journal-bytes')).toBe('1');
    const [used, limit] = (await usage())['journal-bytes'] ?? [];
    expect(limit).toBe(2_000);
    expect(used).toBeGreaterThan(2_000);
  });
});

describe('usage', () => {
  it('is shown to those who keep the home, with the limits of this server', async () => {
    api = await ApiBench.open({
      engine: { quotas: { twins: 9, isExempt: (home) => home === 'h2' } },
      identity: { quotas: { keysPerHome: 5 }, isExempt: (home) => home === 'h2' },
    });
    await api.furnish();
    await api.post('/v1/homes/h1/keys', { name: 'k', scopes: ['home.read'] });
    await api.post('/v1/homes/h1/twins/l1/secret');
    expect(await usage()).toEqual({
      ...{ twins: [1, 9], devices: [1, null], keys: [1, 5], 'journal-bytes': [0, null] },
    });
    await api.post('/v1/homes', { id: 'h2' });
    const { items } = await api.get('/v1/homes/h2/usage');
    expect(items.every(({ limit }) => limit === null)).toBe(true);
    const { token } = await api.person('eve@example.org');
    expect((await api.get('/v1/homes/h1/usage', { token })).status).toBe(404);
  });
});
