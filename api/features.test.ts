/** A feature is one object: what it brings works without a line of it elsewhere. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { mustReadTwin } from '../engine/index.ts';
import { defineKind, type Effect, type EventsOf, type KindInput } from '../engine/kind.ts';
import type { Feature } from '../features/contract/feature.ts';
import { FeatureError } from '../features/contract/feature-error.ts';
import { TwinPath } from '../features/contract/parameters.ts';
import { route } from '../features/contract/route.ts';
import { features } from './features.ts';
import { ApiBench, TOKEN } from './http/testing/api-bench.ts';

const events = { telemetry: z.object({ litres: z.number().min(0) }) };
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
    },
  }),
  view: ({ reported }) => ({ reported, desired: {}, settings: {} }),
});

const madeUp: Feature = {
  name: 'barrels',
  kinds: [barrel],
  projections: [
    {
      name: 'most-litres',
      version: 1,
      everyMs: 10,
      keysOf: ({ event }) => ('litres' in event ? [{ of: 'twin', key: 'most' }] : []),
      apply: (value, { event }) => Math.max(Number(value ?? 0), Number(event['litres'])),
    },
  ],
  routes: ({ engine }) => [
    route({
      method: 'POST',
      path: '/homes/:home/barrels/:twin/level',
      action: 'twin.read',
      operationId: 'readBarrelLevel',
      tags: ['Barrels'],
      summary: 'Read how full a barrel is',
      params: TwinPath,
      body: z.strictObject({ capacity: z.number().positive() }),
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
};

describe('a feature', () => {
  let api: ApiBench;
  beforeEach(async () => {
    const all = [...features, madeUp];
    api = await ApiBench.open({
      engine: {
        kinds: all.flatMap(({ kinds = [] }) => kinds),
        projections: all.flatMap(({ projections = [] }) => projections),
      },
      server: { features: all },
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
    expect(document.body).toContain('readBarrelLevel');
  });

  it('that names an action which no table has is refused at the start', async () => {
    const [of] = madeUp.routes?.({ engine: api.engine }) ?? [];
    const broken = { ...madeUp, routes: () => (of ? [{ ...of, action: 'barrel.drink' }] : []) };
    await expect(ApiBench.open({ server: { features: [broken] } })).rejects.toThrow(
      'the feature barrels names the action "barrel.drink"',
    );
  });
});
