import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/index.ts';
import { ApiBench } from '../http/testing/api-bench.ts';
import { existenceIn } from '../removal.ts';

const RULE = {
  rule: 'bell',
  triggers: [{ webhook: 'ring' }],
  actions: [{ stop: true }],
};
const free = { token: null };
const by = { principal: 'eve', source: 'rest' };

let api: ApiBench;
/** Before identity looks whether the twin is there, it is deleted and made anew, once. */
let replaced: { twin: string; kind: string } | null;

beforeEach(async () => {
  replaced = null;
  let engine: Engine | null = null;
  const existing = () => existenceIn(engine as Engine);
  api = await ApiBench.open({
    identity: {
      existence: {
        hasHome: async (home) => await existing().hasHome(home),
        incarnationOf: async (address) => {
          const successor = replaced;
          replaced = null;
          if (engine && successor) {
            const { twin, kind } = successor;
            await engine.deleteTwin({ home: 'h1', twin }, by);
            await engine.createTwin({ home: 'h1', twin, kind }, by);
            if (kind === 'rule') await api.put('/v1/homes/h1/rules/bell', { definition: RULE });
          }
          return await existing().incarnationOf(address);
        },
      },
    },
  });
  engine = api.engine;
  await api.furnish();
});
afterEach(() => api[Symbol.asyncDispose]());

const secretOf = async (path: string, body?: object, call?: object) =>
  (await api.post(path, body, call)).body['secret'];
const boxCode = async (serial: string) => {
  const expiresAt = api.clock.now() + 60_000;
  const token = await secretOf('/v1/factory-tokens', {
    ...{ name: 'Lot', kind: 'lamp', uses: 1, expiresAt },
  });
  return (await api.post('/v1/devices/enrol', { token, serial }, free)).body['code'];
};
const claimCode = async (body: object) =>
  (await api.post('/v1/homes/h1/claim-codes', body)).body['code'];
const hasSecret = async (twin: string) => await api.identity.devices.has('h1', twin);

/** What a request gives about a twin, and what its successor must not have of it. */
const DOORS: Record<
  string,
  {
    twin: string;
    kind?: string;
    prepare?: () => Promise<unknown>;
    ask: (prepared: unknown) => Promise<{ status: number }>;
    left: () => Promise<unknown>;
  }
> = {
  'a secret of its device': {
    twin: 'l1',
    ask: () => api.post('/v1/homes/h1/twins/l1/secret'),
    left: () => hasSecret('l1'),
  },
  'a claim code for its device': {
    twin: 'l1',
    ask: () => api.post('/v1/homes/h1/claim-codes', { twin: 'l1' }),
    left: async () => false,
  },
  'a device that comes back with a code': {
    twin: 'l1',
    prepare: () => claimCode({ twin: 'l1' }),
    ask: (code) => api.post('/v1/devices/claim', { code, id: 'x', kind: 'lamp' }, free),
    left: () => hasSecret('l1'),
  },
  'a new device that comes in with a code': {
    twin: 'l2',
    prepare: () => claimCode({}),
    ask: (code) => api.post('/v1/devices/claim', { code, id: 'l2', kind: 'lamp' }, free),
    left: () => hasSecret('l2'),
  },
  'a device that is claimed from its box': {
    twin: 's1',
    prepare: () => boxCode('s1'),
    ask: (code) => api.post('/v1/homes/h1/claims', { code }),
    left: () => hasSecret('s1'),
  },
  'a gateway that is to speak for it': {
    twin: 'l1',
    prepare: async () => (await api.post('/v1/homes/h1/gateways', { name: 'g' })).body['id'],
    ask: (id) => api.put(`/v1/homes/h1/gateways/${id}/devices`, { devices: ['l1'] }),
    left: async () => api.identity.gateways.speakerFor('h1', 'l1') !== null,
  },
  'a secret of its webhook': {
    ...{ twin: 'bell', kind: 'rule' },
    prepare: () => api.put('/v1/homes/h1/rules/bell', { definition: RULE }),
    ask: () => api.post('/v1/homes/h1/rules/bell/hooks/ring/secret'),
    left: async () => (await api.identity.hooks.list('h1', 'bell')).length > 0,
  },
};

describe('of a twin that is deleted and made anew while a request is under way, its successor does not get', () => {
  it.each(Object.keys(DOORS))('%s', async (name) => {
    const { twin, kind = 'lamp', prepare, ask, left } = DOORS[name] as (typeof DOORS)[string];
    const prepared = await prepare?.();
    replaced = { twin, kind };
    expect((await ask(prepared)).status).toBe(409);
    expect(replaced).toBeNull();
    expect(await left()).toBe(false);
  });
});

it('a deletion that was asked for twice does not delete what was made in between', async () => {
  const { engine } = api;
  const address = { home: 'h1', twin: 'l1' };
  const guest = await api.person('gus@example.org');
  const admission = { role: 'guest', twins: ['l1'], until: null } as const;
  const deleted = engine.deleteTwin(address, by);
  const again = engine.deleteTwin(address, by);
  const made = deleted.then(async () => {
    await engine.createTwin({ ...address, kind: 'lamp' }, by);
    await api.identity.memberships.add('h1', guest.id, admission, 'x');
  });
  await Promise.all([made, expect(again).rejects.toThrow('l1')]);
  expect(await engine.readTwin(address)).not.toBeNull();
  expect((await api.identity.memberships.of(guest.id, 'h1'))?.twins).toEqual(['l1']);
});

it.each(['draft of a rule', 'kit', 'rule', 'blueprint', 'part of a kit'])(
  'what somebody has of a %s goes with it, whichever route deletes it',
  async (what) => {
    const blueprint = {
      blueprint: 'opened',
      rule: { triggers: [{ every: '1h' }], actions: [{ stop: true }] },
    };
    const [twin, make, remove] = (
      {
        'draft of a rule': [
          'bell.draft',
          ['rules/bell/draft', { definition: RULE }],
          'rules/bell/draft',
        ],
        rule: ['bell', ['rules/bell', { definition: RULE }], 'rules/bell'],
        blueprint: [
          'opened',
          ['blueprints/opened', { definition: blueprint }],
          'blueprints/opened',
        ],
        kit: ['k', ['kits/k', { definition: { kit: 'k', version: '1' } }], 'kits/k'],
        'part of a kit': [
          'fan',
          ['kits/k', { definition: { kit: 'k', version: '1', twins: { fan: { kind: 'lamp' } } } }],
          'kits/k',
        ],
      } as Record<string, [string, [string, object], string]>
    )[what] as [string, [string, object], string];
    expect((await api.put(`/v1/homes/h1/${make[0]}`, make[1])).status).toBe(201);
    const guest = await api.person('gus@example.org');
    await api.identity.memberships.add(
      'h1',
      guest.id,
      { role: 'guest', twins: [twin, 'l1'], until: null },
      'x',
    );
    expect((await api.delete(`/v1/homes/h1/${remove}`)).status).toBe(204);
    expect(await api.engine.readTwin({ home: 'h1', twin })).toBeNull();
    expect((await api.identity.memberships.of(guest.id, 'h1'))?.twins).toEqual(['l1']);
  },
);

it('a draft’s rights end when it goes live', async () => {
  await api.put('/v1/homes/h1/rules/bell/draft', { definition: RULE });
  const guest = await api.person('gus@example.org');
  const admission = { role: 'guest', twins: ['bell.draft'], until: null } as const;
  await api.identity.memberships.add('h1', guest.id, admission, 'x');
  expect((await api.post('/v1/homes/h1/rules/bell/draft/promote')).status).toBe(201);
  expect((await api.identity.memberships.of(guest.id, 'h1'))?.twins).toEqual([]);
});
