import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, type Storage } from '../../../engine/index.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';

const L1 = '/v1/homes/h1/twins/l1';
const QUERY = '/v1/homes/h1/history/query';
const HOUR_MS = 3_600_000;
const T0 = Date.parse('2026-01-05T00:00:00Z');
const POWER = { twin: 'l1', measurement: 'power' };

interface Columns {
  at: number[];
  values: unknown[];
  [key: string]: unknown;
}

describe('many histories at once', () => {
  let api: ApiBench;
  let away = false;
  let endless = false;
  beforeEach(async () => {
    away = false;
    endless = false;
    const wrap = (storage: Storage): Storage => ({
      ...storage,
      async listSamples(...given) {
        const stretch = await storage.listSamples(...given);
        return endless ? { ...stretch, next: [T0, 0] } : stretch;
      },
      listRollups: (...given) =>
        away
          ? Promise.reject(new EngineError('storage-unavailable', 'gone'))
          : storage.listRollups(...given),
    });
    api = await ApiBench.open({ wrap });
    await api.furnish();
    await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
    for (const power of [10, 30, 20]) {
      await api.post(`${L1}/events`, { type: 'telemetry', power, on: power > 15 });
      api.clock.advance(HOUR_MS);
    }
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const ask = async (body: object) => {
    const answer = await api.post(QUERY, body);
    return { ...answer, body: answer.body, series: answer.body.series as Columns[] };
  };

  it('come in columns, in the order in which they were asked for', async () => {
    const { body } = await ask({
      from: T0,
      to: T0 + 3 * HOUR_MS,
      resolution: '1h',
      series: [
        { ...POWER, aggregate: 'max' },
        { twin: 'l1', path: 'reported.on' },
        { twin: 'l2', measurement: 'power' },
      ],
    });
    const hours = [T0, T0 + HOUR_MS, T0 + 2 * HOUR_MS];
    expect(body).toEqual({
      home: 'h1',
      from: '2026-01-05T00:00:00.000Z',
      to: '2026-01-05T03:00:00.000Z',
      resolution: '1h',
      series: [
        {
          ...{ ...POWER, aggregate: 'max', unit: 'W', reduction: 'none', truncated: false },
          ...{ at: hours, values: [10, 30, 20] },
        },
        {
          ...{ twin: 'l1', path: 'reported.on', truncated: false },
          ...{ at: hours.slice(0, 2), until: [T0 + HOUR_MS, T0 + 3 * HOUR_MS] },
          values: [false, true],
        },
        {
          ...{ twin: 'l2', measurement: 'power', aggregate: 'mean', unit: 'W' },
          ...{ reduction: 'none', at: [], values: [], truncated: false },
        },
      ],
    });
  });

  it('have the samples of a short span, of which there is only one value', async () => {
    const { body, series } = await ask({ from: T0, series: [{ ...POWER, aggregate: 'count' }] });
    expect(body.resolution).toBe('raw');
    expect(series).toMatchObject([{ aggregate: null, values: [10, 30, 20] }]);
  });

  it.each(['lttb', 'min-max'])(
    'are thinned by %s to as many points as asked for, and say so',
    async (reduction) => {
      for (let n = 0; n < 30; n++) {
        await api.post(`${L1}/events`, { type: 'telemetry', power: n % 7 });
        api.clock.advance(HOUR_MS);
      }
      const all = { from: T0, resolution: '1h', series: [POWER] };
      const { series } = await ask({ ...all, reduction, maxPoints: 8 });
      expect(series).toMatchObject([{ reduction, truncated: false }]);
      expect(series[0]?.at).toHaveLength(8);
      expect(series[0]?.values).toHaveLength(8);
      expect(series[0]?.at[0]).toBe(T0);
      const whole = await ask({ ...all, reduction, maxPoints: 33 });
      expect(whole.series).toMatchObject([{ reduction: 'none' }]);
      expect(whole.series[0]?.at).toHaveLength(33);
    },
  );

  it('fail one by one', async () => {
    const { series, status } = await ask({
      series: [
        { twin: 'l9', measurement: 'power' },
        { twin: '../h2', measurement: 'power' },
        { twin: 'l1', measurement: 'colour' },
        { twin: 'l1', path: 'reported.power' },
        { twin: 'l1', path: 'nonsense' },
        { twin: 'l1' },
        { ...POWER, path: 'state' },
        POWER,
      ],
    });
    expect(status).toBe(200);
    const unknown = { error: { code: 'unknown-twin' } };
    const malformed = { error: { code: 'malformed' } };
    expect(series).toMatchObject([
      { twin: 'l9', measurement: 'power', ...unknown },
      unknown,
      { ...malformed, error: { hint: 'It has: power.' } },
      ...[malformed, malformed, malformed, malformed],
      { values: [10, 30, 20] },
    ]);
    expect(series[0]).not.toHaveProperty('at');
  });

  it('are bounded by the turns that are looked at, not by what is found', async () => {
    endless = true;
    const nothing = { twin: 'l2', measurement: 'power' };
    const { series } = await ask({ resolution: 'raw', series: Array(6).fill(nothing) });
    expect(series.slice(0, 5)).toEqual(
      Array(5).fill(expect.objectContaining({ at: [], truncated: true })),
    );
    expect(series[5]).toMatchObject({ error: { code: 'too-large' } });
  });

  it('fail together when the store is away', async () => {
    away = true;
    const answer = await api.post(QUERY, { resolution: '1h', series: [POWER] });
    expect([answer.status, answer.body.code]).toEqual([503, 'storage-unavailable']);
  });

  it('come as one table of CSV, with what failed in it', async () => {
    const body = {
      from: T0,
      to: T0 + 2 * HOUR_MS,
      series: [POWER, { twin: 'l1', path: 'reported.on' }, { twin: 'l9', path: 'state' }],
    };
    const csv = await api.post(QUERY, body, { headers: { accept: 'text/csv' } });
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    const iso = (hour: number) => `2026-01-05T0${hour}:00:00.000Z`;
    expect(csv.text.split('\r\n')).toEqual([
      'twin,series,at,until,value,error',
      `l1,power,${iso(0)},,10,`,
      `l1,power,${iso(1)},,30,`,
      `l1,reported.on,${iso(0)},${iso(1)},false,`,
      `l1,reported.on,${iso(1)},${iso(2)},true,`,
      'l9,state,,,,there is no twin h1/l9',
      '',
    ]);
  });

  it.each([
    {},
    { series: [] },
    { series: Array(51).fill(POWER) },
    { series: [POWER], maxPoints: 3 },
    { series: [POWER], maxPoints: 20_001 },
    { series: Array(50).fill(POWER), maxPoints: 2_001 },
    { series: [POWER], reduction: 'mean' },
    { series: [POWER], resolution: '2h' },
    { series: [{ ...POWER, aggregate: 'median' }] },
    { series: [{ measurement: 'power' }] },
    { series: [POWER], from: T0, to: T0 },
    { series: [POWER], from: 'tomorrow' },
  ])('are refused as malformed: %j', async (body) => {
    expect((await api.post(QUERY, body)).status).toBe(400);
  });

  it('are read, not changed: the question is not audited', async () => {
    const before = (await api.get('/v1/homes/h1/audit')).items.length;
    await ask({ series: [POWER] });
    expect((await api.get('/v1/homes/h1/audit')).items).toHaveLength(before);
  });

  it('are of a home that is there', async () => {
    const answer = await api.post('/v1/homes/h9/history/query', { series: [POWER] });
    expect(answer.body.code).toBe('unknown-home');
  });

  it('of what an author wrote are for who may read that; others of the same question are not held back', async () => {
    const source = 'rule: bell\ntriggers: [{webhook: ring}]\nactions: [{stop: true}]';
    await api.put('/v1/homes/h1/rules/bell', { source });
    const series = [{ twin: 'bell', path: 'state' }, { twin: 'l1', path: 'state.load' }, POWER];
    const asks = async (...scopes: ('home.explain' | 'twin.explain' | 'rules.read')[]) => {
      const given = { home: 'h1', name: scopes.join(), scopes, expiresAt: null };
      const { secret } = await api.identity.keys.make(given, 'test');
      const answer = await api.post(QUERY, { series }, { token: secret });
      const all = (answer.body.series ?? []) as { error?: { code: string } }[];
      return [answer.status, ...all.map(({ error }) => error?.code ?? 'read')];
    };
    expect(await asks('twin.explain')).toEqual([403]);
    expect(await asks('home.explain')).toEqual([200, 'forbidden', 'forbidden', 'forbidden']);
    expect(await asks('home.explain', 'twin.explain')).toEqual([200, 'forbidden', 'read', 'read']);
    expect(await asks('home.explain', 'twin.explain', 'rules.read')).toEqual([
      ...[200, 'read', 'read', 'read'],
    ]);
    const { secret } = await api.identity.keys.make(
      { home: 'h1', name: 'turns', scopes: ['twin.explain'], expiresAt: null },
      'test',
    );
    const bands = await api.get('/v1/homes/h1/twins/bell/bands?path=state', { token: secret });
    expect([bands.status, bands.body.code]).toEqual([403, 'forbidden']);
  });
});
