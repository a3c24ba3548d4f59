import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

describe('kinds', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('lists what twins can be, and what each understands', async () => {
    const { items } = await api.get('/v1/kinds');
    expect(items.map(({ kind }) => kind)).toEqual(['lamp', 'nook', 'rule', 'blueprint', 'kit']);
    const [lamp, nook] = items;
    expect(lamp).toMatchObject({
      version: 1,
      description: 'A lamp for tests.',
      measurements: { power: { unit: 'W' } },
      settings: { type: 'object', properties: { limit: { type: 'number', minimum: 1 } } },
      commands: { blink: { args: { required: ['times'] }, ttl: 5_000 } },
    });
    expect(lamp?.desired).not.toBeNull();
    // Neither what the engine makes nor what has an address of its own
    expect(Object.keys(lamp?.events as object)).toEqual(['telemetry', 'remind', 'break']);
    expect(nook).toMatchObject({ events: {}, commands: {}, desired: null, settings: null });
  });

  it('says which of them the operator has brought', async () => {
    await using ours = await ApiBench.open({ server: { customKinds: new Set(['nook']) } });
    const { items } = await ours.get('/v1/kinds');
    expect(items.map(({ builtIn }) => builtIn)).toEqual([true, false, true, true, true]);
    expect((await ours.get('/v1/kinds/nook')).body).toMatchObject({ builtIn: false });
  });

  it('shows one with its machine, as configuration and as diagram', async () => {
    const { body } = await api.get('/v1/kinds/lamp');
    expect(body.machine).toMatchObject({
      id: 'lamp',
      type: 'parallel',
      on: { telemetry: [{ actions: ['report'] }] },
      states: {
        power: {
          initial: 'off',
          states: {
            off: { always: [{ guard: 'isOn', target: '#lamp.power.on' }] },
            on: { after: { autoOff: [{ actions: ['pursue'] }] } },
          },
        },
        load: { states: { high: { entry: ['raise'], exit: ['clear'] } } },
      },
    });
    expect(body.diagram).toMatch(/^stateDiagram-v2\n/);
  });

  it('answers 404 for a kind that does not exist', async () => {
    for (const kind of ['toaster', 'constructor', '%2e%2e%2f', 'Ä']) {
      const answer = await api.get(`/v1/kinds/${kind}`);
      expect([answer.status, answer.body.code]).toEqual([404, 'unknown-kind']);
    }
  });
});
