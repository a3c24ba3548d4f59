import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idLike } from '../../../engine/testing/ids.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';

const ALERTS = '/v1/homes/h1/alerts';

describe('alerts', () => {
  let api: ApiBench;
  let ID: string;
  let ALERT: string;
  const report = (power: number) =>
    api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', power });
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    await report(300);
    const { items } = await api.get(ALERTS);
    ID = String(items[0]?.id);
    ALERT = `${ALERTS}/${encodeURIComponent(ID)}`;
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('lists and reads them by their escaped id', async () => {
    const { items } = await api.get(ALERTS);
    expect(items).toHaveLength(1);
    expect(ID).toEqual(idLike('h1/l1@1#0'));
    const alert = await api.get(ALERT);
    expect(alert.body).toEqual(items[0]);
    expect(alert.body).toMatchObject({
      id: ID,
      home: 'h1',
      twin: 'l1',
      key: 'overload',
      severity: 'critical',
      status: 'raised',
      message: 'draws 300 W',
      data: { limit: 100 },
      raisedAt: '2026-01-05T00:00:00.000Z',
    });
    expect(alert.body).not.toHaveProperty('clearedAt');
  });

  it('follows one from raised to acknowledged to cleared', async () => {
    api.clock.advance(1_000);
    expect((await api.post(`${ALERT}/acknowledge`)).body.status).toBe('accepted');
    expect((await api.get(ALERT)).body).toMatchObject({
      status: 'acknowledged',
      acknowledgedAt: '2026-01-05T00:00:01.000Z',
      acknowledgedBy: 'admin',
    });
    expect((await api.post(`${ALERT}/acknowledge`)).body).toMatchObject({ status: 'ignored' });
    await report(10);
    expect((await api.get(ALERT)).body).toMatchObject({
      status: 'cleared',
      clearedAt: '2026-01-05T00:00:01.000Z',
    });
  });

  it('takes an empty body of any type that it could read', async () => {
    const raw = { type: 'application/json', text: '' };
    expect((await api.post(`${ALERT}/acknowledge`, undefined, { raw })).status).toBe(200);
    const form = { type: 'text/plain', text: 'x' };
    expect((await api.post(`${ALERT}/acknowledge`, undefined, { raw: form })).status).toBe(415);
  });

  it('takes a keyed acknowledgement once', async () => {
    const call = { headers: { 'idempotency-key': 'k1' } };
    await api.post(`${ALERT}/acknowledge`, undefined, call);
    const again = await api.post(`${ALERT}/acknowledge`, undefined, call);
    expect([again.status, again.body.status]).toEqual([200, 'duplicate']);
  });

  it('filters by twin and status, and pages', async () => {
    await report(10);
    await report(300);
    const list = async (query: string) =>
      (await api.get(`${ALERTS}?${query}`)).items.map(({ id }) => id);
    expect(await list('status=raised')).toEqual([idLike('h1/l1@3#0')]);
    expect(await list('status=cleared')).toEqual([ID]);
    expect(await list('twin=l9')).toEqual([]);
    const page = await api.get(`${ALERTS}?limit=1`);
    const rest = await list(`limit=1&cursor=${page.body.nextCursor}`);
    expect([...page.items.map(({ id }) => id), ...rest].sort()).toEqual([ID, idLike('h1/l1@3#0')]);
    expect((await api.get(`${ALERTS}?status=open`)).status).toBe(400);
  });

  it('answers 404 for what does not exist', async () => {
    const answers = [
      await api.get(`${ALERTS}/nothing`),
      await api.post(`${ALERTS}/nothing/acknowledge`),
      await api.get('/v1/homes/h9/alerts'),
      await api.get(`/v1/homes/h9/alerts/${encodeURIComponent(ID)}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    // Unescaped it is another path
    expect((await api.get(`${ALERTS}/h1/l1@1`)).status).toBe(404);
  });
});
