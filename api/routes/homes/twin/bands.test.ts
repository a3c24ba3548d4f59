import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../../http/testing/api-bench.ts';

const L1 = '/v1/homes/h1/twins/l1';
const HOUR_MS = 3_600_000;
const at = (hour: number) => `2026-01-05T0${hour}:00:00.000Z`;

describe('bands', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    for (const on of [false, true, false]) {
      await api.post(`${L1}/events`, { type: 'telemetry', on, power: on ? 200 : 0 });
      api.clock.advance(HOUR_MS);
    }
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('show when a lamp was on', async () => {
    const span = `from=${at(0)}&to=${at(3)}`;
    const { body } = await api.get(`${L1}/bands?path=reported.on&${span}`);
    expect(body).toEqual({
      ...{ home: 'h1', twin: 'l1', path: 'reported.on', from: at(0), to: at(3) },
      bands: [
        { value: false, from: at(0), to: at(1) },
        { value: true, from: at(1), to: at(2) },
        { value: false, from: at(2), to: at(3) },
      ],
      truncated: false,
    });
  });

  it('show the states, whole or of one region', async () => {
    const whole = await api.get(`${L1}/bands?path=state`);
    expect((whole.body.bands as object[])[1]).toMatchObject({
      value: { power: 'on', load: 'high' },
    });
    const region = await api.get(`${L1}/bands?path=state.load`);
    expect((region.body.bands as { value: unknown }[]).map(({ value }) => value)).toEqual([
      ...['normal', 'high', 'normal'],
    ]);
    expect((await api.get(`${L1}/bands?path=state.none`)).body.bands).toMatchObject([
      { value: null },
    ]);
  });

  it('end now, and say where they were cut', async () => {
    const cut = await api.get(`${L1}/bands?path=reported.on&limit=2&from=${at(0)}&to=${at(9)}`);
    expect(cut.body).toMatchObject({ to: at(2), truncated: true });
    const rest = await api.get(`${L1}/bands?path=reported.on&from=${cut.body.to}&to=${at(9)}`);
    expect(rest.body).toMatchObject({ to: '2026-01-05T03:00:00.001Z', truncated: false });
    expect(rest.body.bands).toHaveLength(1);
  });

  it('come as CSV to who wants that', async () => {
    const headers = { accept: 'text/csv' };
    const csv = await api.get(`${L1}/bands?path=state.load&to=${at(3)}`, { headers });
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.text.split('\r\n')).toEqual([
      'from,to,value',
      `${at(0)},${at(1)},normal`,
      `${at(1)},${at(2)},high`,
      `${at(2)},${at(3)},normal`,
      '',
    ]);
    const whole = await api.get(`${L1}/bands?path=state&to=${at(1)}`, { headers });
    expect(whole.text).toContain('"{""power"":""off"",""load"":""normal""}"');
  });

  it('of a number are refused, with what to ask for', async () => {
    const answer = await api.get(`${L1}/bands?path=reported.power`);
    expect(answer.status).toBe(400);
    expect(answer.body.hint).toContain('measurement "power"');
  });

  it.each([
    '',
    'path=',
    'path=on',
    'path=reported',
    'path=state.',
    'path=desired.on',
    'path=reported.on&limit=0',
    'path=reported.on&limit=5001',
    'path=reported.on&from=tomorrow',
    'path=reported.on&from=2026-01-05&to=2026-01-05',
    'path=state&path=state.load',
  ])('refuse ?%s as malformed', async (query) => {
    expect((await api.get(`${L1}/bands?${query}`)).status).toBe(400);
  });

  it('are of twins that are there', async () => {
    const answer = await api.get('/v1/homes/h1/twins/l9/bands?path=state');
    expect(answer.body.code).toBe('unknown-twin');
  });
});
