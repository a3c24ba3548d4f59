import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, type Storage } from '../../engine/index.ts';
import { ApiBench } from '../http/testing/api-bench.ts';

let api: ApiBench;
let isAway = false;
const away = new EngineError('storage-unavailable', 'the database is away');
const failing = (storage: Storage): Storage => ({
  ...storage,
  project: async (step) => {
    if (isAway) throw away;
    return await storage.project(step);
  },
});

describe('projections', () => {
  beforeEach(async () => {
    isAway = false;
    api = await ApiBench.open({ wrap: failing });
    await api.furnish();
    await pass();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const pass = async () => {
    api.clock.advance(10_000);
    await api.engine.idle();
  };
  const list = async () => (await api.get('/v1/projections')).items;
  const metric = async (name: string) => {
    const { text } = await api.get('/metrics');
    return text.match(new RegExp(`homeostat_${name}{projection="activity"} (.*)`))?.[1];
  };

  it('are listed with how far they have come', async () => {
    expect(await list()).toEqual([
      {
        ...{ name: 'activity', generation: 1, version: 1, status: 'active', progress: 1, lag: 0 },
        ...{ since: '2026-01-05T00:00:00.000Z', upTo: '2026-01-05T00:00:00.000Z' },
        ...{ begunAt: '2026-01-05T00:00:00.000Z', builtAt: '2026-01-05T00:00:00.000Z' },
        ...{ skipped: 0, error: null },
      },
    ]);
  });

  it('are rebuilt beside the one that answers, by who runs the platform, and that is written down', async () => {
    const { token } = await api.person('eve@example.org');
    expect((await api.get('/v1/projections', { token })).status).toBe(403);
    expect((await api.post('/v1/projections/activity/rebuild', undefined, { token })).status).toBe(
      403,
    );
    isAway = true;
    const begun = await api.post('/v1/projections/activity/rebuild');
    expect([begun.status, begun.body]).toMatchObject([202, { generation: 2, status: 'building' }]);
    expect((await api.post('/v1/projections/activity/rebuild')).status).toBe(409);
    expect(await list()).toMatchObject([{ status: 'active' }, { status: 'building' }]);
    expect((await api.post('/v1/projections/none/rebuild')).status).toBe(404);
    isAway = false;
    await pass();
    await pass();
    expect(await list()).toMatchObject([{ generation: 2, status: 'active', progress: 1 }]);
    const { items } = await api.get('/v1/audit');
    expect(items).toContainEqual(
      expect.objectContaining({
        ...{ action: 'platform.mend', outcome: 'done', home: null },
        target: 'POST /v1/projections/activity/rebuild',
      }),
    );
  });

  it('show in the metrics how far they are behind, and what failed', async () => {
    expect(await metric('projection_lag')).toBe('0');
    expect(await metric('projection_turns_total')).toBe('1');
    isAway = true;
    await api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', on: true });
    await pass();
    expect(await metric('projection_lag')).toBe('1');
    expect(await metric('projection_lag_seconds')).toBe('10');
    expect(await metric('projection_failures_total')).toBe('1');
    isAway = false;
    await pass();
    await pass();
    expect(await metric('projection_lag')).toBe('0');
    expect(await metric('projection_lag_seconds')).toBe('0');
    expect(await metric('projection_turns_total')).toBe('2');
  });
});
