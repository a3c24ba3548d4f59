import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';
import { builtInKinds } from '../../kinds/built-in.ts';

const URL = '/v1/homes/h1/activity';
const DAY_MS = 24 * 60 * 60_000;
let api: ApiBench;

describe('activity', () => {
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
    await api.engine.idle();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const report = (twin: string) =>
    api.engine.dispatch({
      ...{ home: 'h1', twin, event: { type: 'telemetry', power: 1 }, id: `r${ids++}` },
      ...{ dedupe: false, at: api.clock.now(), source: 'mqtt', principal: 'device' },
      ifUnknown: 'reject',
    });
  let ids = 0;
  const pass = async (ms = 10_000) => {
    api.clock.advance(ms);
    await api.engine.idle();
  };

  it('is empty where nothing was counted', async () => {
    await pass();
    await api.post('/v1/homes', { id: 'h2' });
    const { status, body } = await api.get('/v1/homes/h2/activity');
    expect(status).toBe(200);
    expect(body).toMatchObject({ days: [], twins: [], from: '2025-12-30', to: '2026-01-06' });
  });

  it('shows what went on by days, and which twins have most of it', async () => {
    for (let n = 0; n < 3; n++) await report('l2');
    await report('l1');
    await api.patch('/v1/homes/h1/twins/l1/desired', { on: true });
    await pass();
    await pass(DAY_MS);
    await report('l1');
    await pass();
    const { body } = await api.get(URL);
    expect(body).toMatchObject({
      home: 'h1',
      ...{ from: '2025-12-31', to: '2026-01-07' },
      ...{ since: '2026-01-05T00:00:00.000Z', upTo: '2026-01-06T00:00:10.000Z' },
      total: { turns: { device: 5, person: 3 }, commands: { switch: 1 }, late: 0 },
      days: [{ day: '2026-01-05', turns: { device: 4 } }, { day: '2026-01-06' }],
      twins: [
        { twin: 'l1', kind: 'lamp', name: 'Lamp', turns: { device: 2, person: 2 } },
        { twin: 'l2', turns: { device: 3, person: 1 }, commands: {} },
      ],
    });
    const top = await api.get(`${URL}?limit=1&to=2026-01-06`);
    expect(top.body.twins).toMatchObject([{ twin: 'l2' }]);
    const one = await api.get(`${URL}?twin=l2&from=2026-01-05&to=2026-01-05T01:00:00Z`);
    expect(one.body).toMatchObject({
      ...{ twin: 'l2', from: '2026-01-05', to: '2026-01-06' },
      total: { turns: { device: 3, person: 1 } },
    });
    expect(one.body).not.toHaveProperty('twins');
  });

  it('refuses what is no span, too long a one, and names that are none', async () => {
    expect((await api.get(`${URL}?from=2026-01-09&to=2026-01-02`)).status).toBe(400);
    expect((await api.get(`${URL}?from=2020-01-01`)).status).toBe(422);
    expect((await api.get(`${URL}?from=x`)).status).toBe(400);
    expect((await api.get(`${URL}?from=0&to=1`)).status).toBe(200);
    expect((await api.get(`${URL}?to=253402300799999`)).body.to).toBe('9999-12-31');
    expect((await api.get(`${URL}?to=0000-01-01T01:00:00Z`)).body.from).toBe('0000-01-01');
    expect((await api.get(`${URL}?twin=nobody`)).status).toBe(404);
    expect((await api.get(`${URL}?twin=%2F`)).status).toBe(404);
    expect((await api.get('/v1/homes/none/activity')).status).toBe(404);
  });

  it('is nobody’s of another home', async () => {
    const { token } = await api.person('eve@example.org');
    expect((await api.get(URL, { token })).status).toBe(404);
  });

  it('tells of twins that show what an author wrote only who may read that', async () => {
    await api[Symbol.asyncDispose]();
    api = await ApiBench.open({ engine: { kinds: builtInKinds } });
    await api.post('/v1/homes', { id: 'h1' });
    const definition = { rule: 'hourly', triggers: [{ every: '1h' }], actions: [{ stop: true }] };
    await api.put('/v1/homes/h1/rules/hourly', { definition });
    await api.engine.idle();
    await pass();
    const key = async (scopes: string[]) =>
      String((await api.post('/v1/homes/h1/keys', { name: 'k', scopes })).body.secret);
    const some = await key(['home.explain', 'twin.explain', 'home.read']);
    const all = await key(['home.explain', 'twin.explain', 'home.read', 'rules.read']);
    const twins = async (token: string) => (await api.get(URL, { token })).body.twins;
    expect(await twins(all)).toMatchObject([{ twin: 'hourly', kind: 'rule' }]);
    expect(await twins(some)).toEqual([]);
    expect((await api.get(`${URL}?twin=hourly`, { token: some })).status).toBe(403);
    expect((await api.get(`${URL}?twin=hourly`, { token: all })).status).toBe(200);
    const none = await key(['home.explain']);
    expect((await api.get(URL, { token: none })).status).toBe(403);
  });
});
