import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, type Storage } from '../engine/index.ts';
import { ApiBench } from './http/testing/api-bench.ts';

/** A store that can be taken away. */
function removable(storage: Storage): Storage & { away: boolean } {
  const state = { away: false };
  const always = new Set(['dialect', 'shards', 'acquire', Symbol.asyncDispose]);
  return new Proxy(storage as Storage & { away: boolean }, {
    set(_target, name, value: boolean) {
      if (name === 'away') state.away = value;
      return name === 'away';
    },
    get(target, name) {
      if (!state.away || always.has(name)) return Reflect.get(target, name, target) as unknown;
      return async () => {
        throw new EngineError('storage-unavailable', 'connect ECONNREFUSED 10.0.0.5:5432');
      };
    },
  });
}

describe('while the store is away', () => {
  let api: ApiBench;
  let store: Storage & { away: boolean };
  beforeEach(async () => {
    api = await ApiBench.open({
      // Long enough for a request that need not wait, however busy the machine is
      server: { patienceMs: 1_000 },
      wrap: (storage) => {
        store = removable(storage);
        return store;
      },
    });
    await api.furnish();
    store.away = true;
  });
  afterEach(async () => {
    store.away = false;
    // The shard looks again when its backoff has passed
    api.clock.advance(60_000);
    await api[Symbol.asyncDispose]();
  });

  it.each([
    '/v1/homes',
    '/v1/homes/h1',
    '/v1/homes/h1/twins',
    '/v1/homes/h1/twins/l1',
    '/v1/homes/h1/twins/l1/journal',
    '/v1/homes/h1/twins/l1/history?measurement=power',
    '/v1/homes/h1/twins/l1/timers',
    '/v1/homes/h1/twins/l1/replay',
    '/v1/homes/h1/intents',
    '/v1/homes/h1/alerts',
    '/v1/homes/h1/stream',
    '/v1/dead-letters',
    '/v1/candidates',
  ])('GET %s answers 503 and when to try again', async (url) => {
    const answer = await api.get(url);
    expect([answer.status, answer.body.code]).toEqual([503, 'storage-unavailable']);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.text).not.toContain('10.0.0.5');
  });

  it('says what needs no store', async () => {
    expect((await api.get('/healthz')).status).toBe(200);
    expect((await api.get('/v1/kinds')).status).toBe(200);
    const metrics = await api.get('/metrics');
    expect(metrics.status).toBe(200);
    expect(metrics.text).toContain('homeostat_store_up 0');
  });

  it('is not ready, and says why to whom it may concern', async () => {
    const ready = await api.get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body.detail).toContain('the store does not answer');
    const open = await api.app.inject({ url: '/readyz' });
    expect(open.statusCode).toBe(503);
    expect(open.json()).toMatchObject({ detail: 'something that it needs is away' });
  });

  it('lets a change wait a while, refuses the next at once, and loses neither', async () => {
    const url = '/v1/homes/h1/twins/l1/events';
    const call = { headers: { 'idempotency-key': 'k1' } };
    const waited = await api.post(url, { type: 'telemetry', power: 7 }, call);
    expect([waited.status, waited.body.code]).toEqual([503, 'timeout']);
    expect(waited.body.hint).toContain('Idempotency-Key');
    const next = await api.post(url, { type: 'telemetry', power: 7 }, call);
    expect([next.status, next.body.code]).toEqual([503, 'storage-unavailable']);

    store.away = false;
    // What cannot be stored yet can be read again, also where a POST asks for it
    const series = [{ twin: 'l1', measurement: 'power' }];
    expect((await api.post('/v1/homes/h1/history/query', { series })).status).toBe(200);
    const refused = await api.post(url, { type: 'telemetry', power: 7 }, call);
    expect(refused.body.code).toBe('storage-unavailable');

    api.clock.advance(60_000);
    await api.engine.idle();
    expect((await api.get('/readyz')).status).toBe(200);
    const again = await api.post(url, { type: 'telemetry', power: 7 }, call);
    expect(again.body).toMatchObject({ status: 'duplicate', revision: 1 });
  });
});

describe('the server', () => {
  it('is ready only with its adapters', async () => {
    await using api = await ApiBench.open({
      server: { readiness: () => ({ ready: false, problems: ['the broker is away'] }) },
    });
    const answer = await api.get('/readyz');
    expect([answer.status, answer.body.code]).toEqual([503, 'not-ready']);
    expect(answer.body.detail).toBe('the broker is away');
    expect((await api.get('/healthz')).body).toEqual({ status: 'ok', version: '0.0.0-test' });
  });

  it('answers 503 with Retry-After when the mailbox is full', async () => {
    await using api = await ApiBench.open({ engine: { limits: { mailbox: 1 } } });
    await api.furnish();
    const answers = await Promise.all(
      [1, 2, 3].map(() => api.post('/v1/homes/h1/twins/l1/events', { type: 'remind' })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 503, 503]);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.body.code).toBe('overloaded');
    expect(refused?.headers['retry-after']).toBe('1');
  });

  it('refuses changes once the engine stops', async () => {
    await using api = await ApiBench.open();
    await api.furnish();
    await api.engine[Symbol.asyncDispose]();
    const answer = await api.post('/v1/homes/h1/twins/l1/events', { type: 'remind' });
    expect(answer.status).toBe(503);
    expect((await api.get('/readyz')).status).toBe(503);
  });

  it('stops although a browser has connected in advance', async () => {
    const api = await ApiBench.open();
    const [host, port] = (await api.listen()).split(':') as [string, string];
    const accepted = once(api.app.server, 'connection');
    const socket = connect(Number(port), host);
    await accepted;
    const closed = once(socket, 'close');
    await api[Symbol.asyncDispose]();
    await closed;
  });
});
