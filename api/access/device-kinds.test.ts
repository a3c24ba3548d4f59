import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../http/testing/api-bench.ts';

const RULE = { rule: 'bell', triggers: [{ every: '1h' }], actions: [{ stop: true }] };
const free = { token: null };
let api: ApiBench;

beforeEach(async () => {
  api = await ApiBench.open();
  await api.furnish();
  await api.put('/v1/homes/h1/rules/bell', { definition: RULE });
});
afterEach(() => api[Symbol.asyncDispose]());

const claimCode = async () => (await api.post('/v1/homes/h1/claim-codes', {})).body['code'];
/** As from before kinds said what they are. */
const oldToken = async () => {
  const expiresAt = api.clock.now() + 60_000;
  const given = { name: 'Lot', kind: 'rule', usesLeft: 3, expiresAt };
  return (await api.identity.factory.make(given, 'x')).secret;
};

/** Everywhere that a device comes in, or gets something. */
const DOORS: Record<string, () => Promise<{ status: number; body: Record<string, unknown> }>> = {
  'a factory token': () =>
    api.post('/v1/factory-tokens', {
      ...{ name: 'Lot', kind: 'rule', uses: 1, expiresAt: api.clock.now() + 60_000 },
    }),
  'an enrolment': async () =>
    api.post('/v1/devices/enrol', { token: await oldToken(), serial: 's1' }, free),
  'a claim from the box': async () => {
    const { code } = await api.identity.factory.enrol(await oldToken(), 's1');
    return await api.post('/v1/homes/h1/claims', { code });
  },
  'a claim by the device': async () =>
    api.post('/v1/devices/claim', { code: await claimCode(), id: 'new', kind: 'rule' }, free),
  'a claim code for a twin': () => api.post('/v1/homes/h1/claim-codes', { twin: 'bell' }),
  'a secret': () => api.post('/v1/homes/h1/twins/bell/secret'),
  'a gateway’s assignment': async () => {
    const { body } = await api.post('/v1/homes/h1/gateways', { name: 'g' });
    const devices = ['l1', 'bell'];
    return await api.put(`/v1/homes/h1/gateways/${body['id']}/devices`, { devices });
  },
  'the acceptance of a candidate': async () => {
    await api.engine.dispatch({
      ...{ home: 'h1', twin: 'waits', id: 'e', dedupe: false, at: 0, source: 'mqtt' },
      ...{ event: { type: 'telemetry', power: 1 }, principal: 'device', kind: 'lamp' },
      ifUnknown: 'candidate',
    });
    const { storage } = api.engine;
    const found = await storage.getCandidate({ home: 'h1', twin: 'waits' });
    storage.getCandidate = async () => found && { ...found, kind: 'rule' };
    return await api.post('/v1/homes/h1/candidates/waits/accept');
  },
};

describe('a device cannot be what is no device', () => {
  it.each(Object.keys(DOORS))('by %s', async (door) => {
    const before = (await api.get('/v1/homes/h1/twins')).items.length;
    const { status, body } = await (DOORS[door] as (typeof DOORS)[string])();
    expect([status, body['code'], body['detail']]).toEqual([
      ...[422, 'unknown-kind', 'a rule is no device'],
    ]);
    expect(body['hint']).toContain('lamp');
    expect(body['hint']).not.toContain('rule');
    expect((await api.get('/v1/homes/h1/twins')).items).toHaveLength(before);
    expect(await api.identity.devices.list('h1')).toEqual([]);
  });

  it('and a refused claim leaves its code as it was, a refused enrolment its token', async () => {
    const code = await claimCode();
    const claim = (kind: string) => api.post('/v1/devices/claim', { code, id: 'new', kind }, free);
    expect((await claim('rule')).status).toBe(422);
    expect((await claim('lamp')).status).toBe(201);
    await api.post('/v1/devices/enrol', { token: await oldToken(), serial: 's1' }, free);
    expect(await api.identity.factory.list()).toMatchObject([{ usesLeft: 3 }]);
  });
});

it('the list of kinds says which are devices', async () => {
  const { items } = await api.get('/v1/kinds');
  const devices = items.filter(({ isDevice }) => isDevice).map(({ kind }) => kind);
  expect(devices).toContain('lamp');
  expect(devices).not.toContain('rule');
});
