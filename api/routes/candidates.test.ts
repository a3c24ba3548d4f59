import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../http/testing/api-bench.ts';

describe('candidates', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    for (const id of ['e1', 'e2']) {
      await api.engine.dispatch({
        home: 'h1',
        twin: 'l1',
        id,
        dedupe: true,
        event: { type: 'telemetry', power: 5 },
        at: api.clock.now(),
        source: 'mqtt',
        principal: 'device',
        kind: 'lamp',
        via: 'native:l1',
        ifUnknown: 'candidate',
      });
    }
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('lists who waits, in a home that need not exist and in all', async () => {
    const { items } = await api.get('/v1/homes/h1/candidates');
    expect(items).toEqual([
      {
        home: 'h1',
        twin: 'l1',
        kind: 'lamp',
        via: 'native:l1',
        firstSeenAt: '2026-01-05T00:00:00.000Z',
        lastSeenAt: '2026-01-05T00:00:00.000Z',
        messages: 2,
        lastEvent: { type: 'telemetry', power: 5 },
      },
    ]);
    expect((await api.get('/v1/candidates?limit=1')).items).toEqual(items);
    expect((await api.get('/v1/homes/h2/candidates')).items).toEqual([]);
  });

  it('accepts one, with or without a name', async () => {
    const made = await api.post('/v1/homes/h1/candidates/l1/accept', { name: 'Lamp' });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe('/v1/homes/h1/twins/l1');
    expect(made.body).toMatchObject({ id: 'l1', kind: 'lamp', name: 'Lamp', room: null });
    expect((await api.get('/v1/candidates')).items).toEqual([]);
    expect((await api.get('/v1/homes/h1')).status).toBe(200);
    expect((await api.post('/v1/homes/h1/candidates/l1/accept')).status).toBe(404);
  });

  it('needs no body', async () => {
    expect((await api.post('/v1/homes/h1/candidates/l1/accept')).body.name).toBe('l1');
  });

  it('refuses a room that is none, and keeps the candidate', async () => {
    const refused = await api.post('/v1/homes/h1/candidates/l1/accept', { room: 'attic' });
    expect(refused.status).toBe(422);
    expect((await api.get('/v1/candidates')).items).toHaveLength(1);
    const odd = await api.post('/v1/homes/h1/candidates/l1/accept', { nam: 'x' });
    expect(odd.status).toBe(400);
  });
});
