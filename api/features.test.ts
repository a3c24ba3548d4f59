/** A feature is one object: what it brings works without a line of it elsewhere. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { mustReadTwin } from '../engine/index.ts';
import { defineKind, type Effect, type EventsOf, type KindInput } from '../engine/kind.ts';
import { MEMBERS } from '../features/contract/action.ts';
import { count, means, valuesOf } from '../features/contract/configuration.ts';
import { defineFeature } from '../features/contract/feature.ts';
import { FeatureError } from '../features/contract/feature-error.ts';
import { TwinPath } from '../features/contract/parameters.ts';
import { route } from '../features/contract/route.ts';
import { permissionsWith } from './access/permissions.ts';
import { ApiBench, TOKEN } from './http/testing/api-bench.ts';
import { features } from './loaded-features.ts';
import { beginFeatures, destinationsWith } from './start-features.ts';

const events = { telemetry: z.object({ litres: z.number().min(0) }), leak: z.object({}) };
const barrel = defineKind({
  kind: 'barrel',
  version: 1,
  description: 'A barrel of rain water.',
  events,
  commands: {},
  measurements: { litres: { unit: 'l' } },
  machine: setup({
    types: {} as {
      context: { reported: { litres: number } };
      events: EventsOf<typeof events>;
      emitted: Effect;
      input: KindInput;
    },
  }).createMachine({
    id: 'barrel',
    context: { reported: { litres: 0 } },
    on: {
      telemetry: { actions: assign({ reported: ({ event }) => ({ litres: event.litres }) }) },
      leak: {
        actions: emit({
          type: 'retrain',
          model: 'leaks',
          reason: 'it leaks',
          range: { from: 0, to: 1 },
        }),
      },
    },
  }),
  view: ({ reported }) => ({ reported, desired: {}, settings: {} }),
});

/** What was asked of the trainer. */
const trained: string[] = [];
const configuration = {
  title: 'Barrels',
  variables: { BARREL_LITRES: means('How much a barrel holds.', count(200)) },
};

const madeUp = defineFeature({
  name: 'barrels',
  kinds: [barrel],
  actions: {
    'barrels.read': {
      place: 'twin',
      what: 'see how full a barrel is',
      who: MEMBERS,
      forKeys: true,
    },
  },
  configuration,
  tags: { Barrels: 'Rain water.' },
  destinations: { retrain: 'barrels' },
  projections: [
    {
      name: 'most-litres',
      version: 1,
      everyMs: 10,
      keysOf: ({ event }) => ('litres' in event ? [{ of: 'twin', key: 'most' }] : []),
      apply: (value, { event }) => Math.max(Number(value ?? 0), Number(event['litres'])),
    },
  ],
  start: ({ engine, configuration: { BARREL_LITRES } }) => ({
    sinks: [
      {
        name: 'barrels',
        takes: ['retrain'],
        async deliver(rows) {
          trained.push(...rows.map(({ twin }) => twin));
          return rows.map(() => ({ status: 'delivered' as const }));
        },
      },
    ],
    routes: [
      route({
        method: 'POST',
        path: '/homes/:home/barrels/:twin/level',
        action: 'barrels.read',
        operationId: 'readBarrelLevel',
        tags: ['Barrels'],
        summary: 'Read how full a barrel is',
        params: TwinPath,
        body: z.strictObject({ capacity: z.number().positive().default(BARREL_LITRES) }),
        answer: {
          description: 'How full it is.',
          schema: z.object({ level: z.number(), most: z.number(), asked: z.string() }),
        },
        problems: ['not-found', 'refused'],
        async handle({ params: { home, twin }, body: { capacity }, principal }) {
          const { view } = await mustReadTwin(engine, { home, twin });
          const litres = Number(view.reported['litres']);
          if (litres > capacity) {
            throw new FeatureError('bad-input', `it holds ${litres} litres already`, {
              hint: 'Say a larger capacity.',
            });
          }
          const days = { from: 'most', to: 'mosu', after: null };
          const [row] = await engine.listProjected({ name: 'most-litres', home, twin, ...days }, 1);
          return { level: litres / capacity, most: Number(row?.value ?? 0), asked: principal };
        },
      }),
    ],
    gauges: [
      { name: 'barrels', help: 'Barrels.', label: 'of', read: () => ({ rain: 1, wine: 0 }) },
      { name: 'coopers', help: 'Coopers.', label: null, read: async () => 3 },
      {
        ...{ name: 'lost', help: 'Lost.', label: null },
        read: async () => {
          throw new Error('nobody knows');
        },
      },
    ],
    closing: () => trained.push('(closing)'),
    async [Symbol.asyncDispose]() {
      trained.push('(ended)');
    },
  }),
});

describe('a feature', () => {
  let api: ApiBench;
  beforeEach(async () => {
    const all = [...features, madeUp];
    api = await ApiBench.open({
      engine: {
        kinds: all.flatMap(({ kinds = [] }) => kinds),
        projections: all.flatMap(({ projections = [] }) => projections),
      },
      features: all,
      configuration: { barrels: valuesOf(configuration, { BARREL_LITRES: 100 }) },
    });
    await api.post('/v1/homes', { id: 'h1' });
    await api.post('/v1/homes/h1/twins', { id: 'rain', kind: 'barrel' });
    for (const litres of [80, 20]) {
      await api.post('/v1/homes/h1/twins/rain/events', { type: 'telemetry', litres });
    }
    api.clock.advance(1_000);
    await api.engine.idle();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const level = (twin: string, body: object) =>
    api.post(`/v1/homes/h1/barrels/${twin}/level`, body);

  it('has its kind, its projection and its route, which answers what they know', async () => {
    const { status, body } = await level('rain', { capacity: 200 });
    expect([status, body]).toEqual([200, { level: 0.1, most: 80, asked: expect.any(String) }]);
  });

  it('refuses in its own words, and what is not well-formed before it is asked', async () => {
    expect(await level('rain', { capacity: 10 })).toMatchObject({
      status: 422,
      body: { detail: 'it holds 20 litres already', hint: 'Say a larger capacity.' },
    });
    expect(await level('rain', { capacity: -1 })).toMatchObject({ status: 400 });
    expect(await level('none', { capacity: 10 })).toMatchObject({ status: 404 });
  });

  it('is asked by who may, and stands in the OpenAPI document', async () => {
    const url = '/v1/homes/h1/barrels/rain/level';
    const stranger = await api.call('POST', url, { body: { capacity: 1 }, token: null });
    expect(stranger.status).toBe(401);
    const document = await api.app.inject({
      url: '/openapi.json',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const { tags } = document.json() as { tags: object[] };
    expect(document.body).toContain('readBarrelLevel');
    expect(tags).toContainEqual({ name: 'Barrels', description: 'Rain water.' });
  });

  it('has what the environment says of its variables', async () => {
    expect(await level('rain', {})).toMatchObject({ status: 200, body: { level: 0.2 } });
  });

  it('has its action in the table of permissions, and a key may be given it', async () => {
    const { body } = await api.post('/v1/homes/h1/keys', { name: 'k', scopes: ['barrels.read'] });
    const token = String(body['secret']);
    const call = { token, body: { capacity: 200 } };
    expect(await api.call('POST', '/v1/homes/h1/barrels/rain/level', call)).toMatchObject({
      status: 200,
    });
    expect(await api.get('/v1/homes/h1/twins/rain', { token })).toMatchObject({ status: 403 });
  });

  it('has its numbers in the metrics', async () => {
    const { text } = await api.get('/metrics');
    expect(text).toContain('homeostat_barrels{of="rain"} 1\nhomeostat_barrels{of="wine"} 0');
    expect(text).toContain('homeostat_coopers 3');
    // One that fails takes no other away
    expect(text).not.toContain('homeostat_lost 0');
    expect(text).toContain('homeostat_ready 1');
  });

  it('takes the deliveries that it wants, and ends with the server', async () => {
    trained.length = 0;
    await api.post('/v1/homes/h1/twins/rain/events', { type: 'leak' });
    await api.engine.idle();
    expect(trained).toEqual(['rain']);
    await api[Symbol.asyncDispose]();
    expect(trained).toEqual(['rain', '(closing)', '(ended)']);
  });

  it('that names an action which no table has is refused at the start', async () => {
    const { actions: _actions, ...broken } = madeUp;
    await expect(ApiBench.open({ features: [...features, broken] })).rejects.toThrow(
      'the feature barrels names the action "barrels.read"',
    );
  });

  it('that wants the deliveries or the action of another is refused at the start', async () => {
    const double = [madeUp, { ...madeUp, name: 'tanks' }];
    expect(() => destinationsWith(double, {})).toThrow('wants retrain, which goes to barrels');
    expect(() => permissionsWith(double)).toThrow('there are two actions "barrels.read"');
  });
});

describe('a start', () => {
  const holding = (name: string, because: string | null) =>
    defineFeature({
      name,
      begin: ({ configuration: { WHY } }) =>
        because === null ? null : { kinds: [name], because: `${because}${String(WHY ?? '')}` },
    });

  it('holds back what a feature says, for the reason that it gives', () => {
    const begun = beginFeatures([holding('rain', 'it leaks: '), madeUp, holding('wine', null)], {
      ...{ formerStarts: [], now: 0, configuration: { rain: { WHY: 'rust' } } },
    });
    expect(begun.kinds).toEqual(['rain']);
    expect([...begun.because]).toEqual([['rain', 'it leaks: rust']]);
  });
});
