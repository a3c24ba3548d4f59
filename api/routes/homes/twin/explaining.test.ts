import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idLike } from '../../../../engine/testing/ids.ts';
import { ApiBench } from '../../../http/testing/api-bench.ts';

const L1 = '/v1/homes/h1/twins/l1';
const HOUR_MS = 3_600_000;

describe('explaining a twin', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('shows each turn with its cause and effects, newest first', async () => {
    const headers = { 'idempotency-key': 'load' };
    await api.post(`${L1}/events`, { type: 'telemetry', power: 300 }, { headers });
    await api.post(`${L1}/events`, { type: 'remind' });
    const { items, body } = await api.get(`${L1}/journal`);
    expect(body.nextCursor).toBeNull();
    expect(
      items.map(({ revision, event }) => [revision, (event as { type: string }).type]),
    ).toEqual([
      [2, 'remind'],
      [1, 'telemetry'],
      [0, 'twin.created'],
    ]);
    expect(items[0]).not.toHaveProperty('state');
    expect(items[1]).toEqual({
      revision: 1,
      at: '2026-01-05T00:00:00.000Z',
      receivedAt: '2026-01-05T00:00:00.000Z',
      event: { type: 'telemetry', power: 300 },
      eventId: 'load',
      source: 'rest',
      cause: null,
      correlation: 'load',
      principal: 'admin',
      state: { power: 'off', load: 'high' },
      effects: [
        {
          id: idLike('h1/l1@1#0'),
          type: 'alert',
          key: 'overload',
          severity: 'critical',
          state: 'raised',
          message: 'draws 300 W',
          data: { limit: 100 },
        },
      ],
    });
  });

  it('pages through the journal', async () => {
    for (let n = 0; n < 5; n++) await api.post(`${L1}/events`, { type: 'remind' });
    const first = await api.get(`${L1}/journal?limit=4`);
    expect(first.items.map(({ revision }) => revision)).toEqual([5, 4, 3, 2]);
    const rest = await api.get(`${L1}/journal?limit=4&cursor=${first.body.nextCursor}`);
    expect(rest.items.map(({ revision }) => revision)).toEqual([1, 0]);
    expect(rest.body.nextCursor).toBeNull();
    expect((await api.get(`${L1}/journal?cursor=x`)).status).toBe(400);
    expect((await api.get('/v1/homes/h1/twins/l9/journal')).status).toBe(404);
  });

  it('proves that the journal gives the state', async () => {
    await api.post(`${L1}/events`, { type: 'telemetry', power: 300, on: true });
    expect((await api.get(`${L1}/replay`)).body).toEqual({
      ok: true,
      revision: 1,
      from: 0,
      turns: 1,
      differences: [],
    });
    expect((await api.get('/v1/homes/h1/twins/l9/replay')).status).toBe(404);
  });

  describe('history', () => {
    beforeEach(async () => {
      for (const power of [10, 30, 20]) {
        await api.post(`${L1}/events`, { type: 'telemetry', power });
        api.clock.advance(HOUR_MS);
      }
    });

    it('shows the last day in a fitting resolution', async () => {
      const { body } = await api.get(`${L1}/history?measurement=power`);
      expect(body).toMatchObject({
        home: 'h1',
        twin: 'l1',
        measurement: 'power',
        unit: 'W',
        resolution: '5m',
        truncated: false,
      });
      expect(body.points).toEqual(
        [10, 30, 20].map((value, hour) => ({
          at: `2026-01-05T0${hour}:00:00.000Z`,
          min: value,
          max: value,
          mean: value,
          last: value,
          count: 1,
        })),
      );
    });

    it('shows samples and coarser buckets on demand, over a given span', async () => {
      const span = 'from=2026-01-05T00:00:00Z&to=1767578400000';
      const raw = await api.get(`${L1}/history?measurement=power&resolution=raw&${span}`);
      expect(raw.body.points).toEqual([
        { at: '2026-01-05T00:00:00.000Z', value: 10 },
        { at: '2026-01-05T01:00:00.000Z', value: 30 },
      ]);
      const day = await api.get(`${L1}/history?measurement=power&resolution=1d`);
      expect(day.body.points).toEqual([
        { at: '2026-01-05T00:00:00.000Z', min: 10, max: 30, mean: 20, last: 20, count: 3 },
      ]);
    });

    it('comes as CSV to who wants that', async () => {
      const headers = { accept: 'text/csv' };
      const csv = (resolution: string) =>
        api.get(`${L1}/history?measurement=power&resolution=${resolution}`, { headers });
      const raw = await csv('raw');
      expect(raw.headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(raw.text).toContain('at,value\r\n2026-01-05T00:00:00.000Z,10\r\n');
      expect((await csv('1d')).text).toBe(
        'at,min,max,mean,last,count\r\n2026-01-05T00:00:00.000Z,10,30,20,20,3\r\n',
      );
    });

    it.each([
      'resolution=raw',
      'measurement=',
      'measurement=colour',
      'measurement=constructor',
      'measurement=power&from=NaN',
      'measurement=power&from=tomorrow',
      'measurement=power&from=2026-13-01',
      'measurement=power&to=-1',
      'measurement=power&to=Infinity',
      // Beyond the year 9999 an answer could not say which moments it shows
      'measurement=power&to=253402300800000',
      'measurement=power&to=8640000000000000',
      'measurement=power&to=9999-12-31T23:59:59-12:00',
      'measurement=power&from=0000-01-01T00:00:00%2B02:00',
      'measurement=power&resolution=2h',
      'measurement=power&from=2026-01-05&to=2026-01-05',
      'measurement=power&from=2026-01-05&to=2026-01-04',
      'measurement=a&measurement=b',
    ])('refuses ?%s as malformed', async (query) => {
      expect((await api.get(`${L1}/history?${query}`)).status).toBe(400);
    });

    it('answers 404 for a twin that does not exist', async () => {
      const answer = await api.get('/v1/homes/h1/twins/l9/history?measurement=power');
      expect(answer.body.code).toBe('unknown-twin');
    });
  });
});
