import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from '../../engine/index.ts';
import { idLike } from '../../engine/testing/ids.ts';
import { ApiBench } from '../http/testing/api-bench.ts';
import { changeOf } from '../http/testing/changes.ts';
import { EventSourceReader } from '../http/testing/event-source.ts';
import { streamEvents } from './event-stream.ts';
import { HEARTBEAT_MS } from './heartbeat.ts';
import { LiveConnections } from './live-connections.ts';
import { openFeed } from './live-feed.ts';

const EVENTS = '/v1/homes/h1/twins/l1/events';

describe('a home’s stream', () => {
  let api: ApiBench;
  let stream: string;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    await api.post('/v1/homes', { id: 'h2' });
    await api.post('/v1/homes/h2/twins', { id: 'l1', kind: 'lamp' });
    stream = `http://${await api.listen()}/v1/homes/h1/stream`;
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('greets, then tells what has been committed, in the shapes of the API', async () => {
    await using reader = await EventSourceReader.open(stream);
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await reader.next()).toEqual({
      event: 'hello',
      data: { at: '2026-01-05T00:00:00.000Z' },
    });
    await api.post('/v1/homes/h2/twins/l1/events', { type: 'telemetry', power: 1 });
    await api.post(EVENTS, { type: 'telemetry', power: 300 });
    const turn = await reader.next();
    expect(turn).toMatchObject({
      event: 'twin',
      data: {
        home: 'h1',
        id: 'l1',
        kind: 'lamp',
        revision: 1,
        at: '2026-01-05T00:00:00.000Z',
        event: { type: 'telemetry', power: 300 },
        state: { power: 'off', load: 'high' },
        reported: { power: 300 },
        desired: {},
        effects: [{ id: idLike('h1/l1@1#0'), type: 'alert' }],
      },
    });
    const alert = await reader.next();
    expect(alert?.event).toBe('alert');
    expect(alert?.data).toEqual((await api.get('/v1/homes/h1/alerts')).items[0]);
    await api.post('/v1/homes/h1/twins/l1/commands', { name: 'blink', args: { times: 1 } });
    expect(await reader.nextOf('intent')).toMatchObject({
      id: idLike('h1/l1@2#0'),
      status: 'pending',
    });
    await api.delete('/v1/homes/h1/twins/l1');
    expect(await reader.nextOf('twin.removed')).toEqual({ home: 'h1', id: 'l1' });
  });

  it('shows the present twins first when asked, and misses nothing after them', async () => {
    for (const id of ['l2', 'l3']) await api.post('/v1/homes/h1/twins', { id, kind: 'lamp' });
    await using reader = await EventSourceReader.open(`${stream}?snapshot=true`);
    await reader.next();
    for (const id of ['l1', 'l2', 'l3']) {
      const twin = await reader.next();
      expect(twin?.event).toBe('snapshot');
      expect(twin?.data).toEqual((await api.get(`/v1/homes/h1/twins/${id}`)).body);
    }
    expect(await reader.next()).toEqual({ event: 'snapshot.end', data: { twins: 3 } });
    await api.post(EVENTS, { type: 'remind' });
    expect(await reader.nextOf('twin')).toMatchObject({ id: 'l1', revision: 1 });
  });

  it('does not miss what is committed while the snapshot is read', async () => {
    const { storage } = api.engine;
    const read = storage.listTwins;
    const racing: Storage['listTwins'] = async (...query) => {
      const page = await read(...query);
      // Committed after the page was read and before it is handed on
      await api.post(EVENTS, { type: 'remind' });
      return page;
    };
    storage.listTwins = racing;
    await using reader = await EventSourceReader.open(`${stream}?snapshot=true`);
    expect(await reader.nextOf('snapshot')).toMatchObject({ revision: 0 });
    expect(await reader.nextOf('twin')).toMatchObject({ revision: 1 });
    storage.listTwins = read;
  });

  it('keeps to one twin, or to one kind with its alerts and intents', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'corner', kind: 'nook' });
    await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
    await using one = await EventSourceReader.open(`${stream}?twin=l2&snapshot=true`);
    await using nooks = await EventSourceReader.open(`${stream}?kind=nook&snapshot=true`);
    await using lamps = await EventSourceReader.open(`${stream}?kind=lamp`);
    for (const reader of [one, nooks, lamps]) await reader.nextOf('hello');
    await api.post(EVENTS, { type: 'telemetry', power: 300 });
    await api.patch('/v1/homes/h1/twins/l2', { room: 'corner' });
    expect(await one.nextOf('snapshot')).toMatchObject({ id: 'l2' });
    expect(await one.nextOf('twin')).toMatchObject({ id: 'l2' });
    expect(await nooks.nextOf('snapshot')).toMatchObject({ id: 'corner' });
    await nooks.nextOf('snapshot.end');
    // The lamp’s alert came between and was none of the nooks’
    expect(await nooks.next()).toMatchObject({ event: 'twin', data: { id: 'corner' } });
    expect(await lamps.nextOf('alert')).toMatchObject({ twin: 'l1' });
  });

  it('keeps the connection alive', async () => {
    await using reader = await EventSourceReader.open(stream);
    await reader.next();
    api.clock.advance(HEARTBEAT_MS);
    expect(await reader.next()).toMatchObject({ event: 'comment' });
    expect(reader.comments).toEqual(['heartbeat']);
  });

  it('tells a reader that fell behind how much it missed', async () => {
    await using reader = await EventSourceReader.open(stream);
    await reader.next();
    for (let revision = 1; revision <= 1_500; revision++) {
      api.engine.changes.publish(changeOf(revision));
    }
    let seen = 0;
    for (;;) {
      const event = await reader.next();
      if (event?.event === 'lagged') {
        expect(seen + Number(event.data.missed)).toBe(1_500);
        break;
      }
      seen++;
    }
    await api.post(EVENTS, { type: 'remind' });
    expect(await reader.nextOf('twin')).toMatchObject({ revision: 1 });
  });

  it('ends when the reader goes', async () => {
    const reader = await EventSourceReader.open(stream);
    await reader.next();
    expect(api.engine.changes.subscribers).toBe(1);
    await reader[Symbol.asyncDispose]();
    while (api.engine.changes.subscribers > 0) await setImmediate();
  });

  it('ends when the server stops', async () => {
    const reader = await EventSourceReader.open(stream);
    await reader.next();
    await api[Symbol.asyncDispose]();
    expect(await reader.next()).toBeNull();
  });

  it('ends when the engine stops', async () => {
    await using reader = await EventSourceReader.open(stream);
    await reader.next();
    await api.engine[Symbol.asyncDispose]();
    expect(await reader.next()).toBeNull();
  });

  it('refuses what it cannot show', async () => {
    expect((await api.get('/v1/homes/h9/stream')).status).toBe(404);
    expect((await api.get('/v1/homes/h1/stream?snapshot=maybe')).status).toBe(400);
    expect((await api.get('/v1/homes/h1/stream?twin=')).status).toBe(400);
  });
});

/** A response whose other side takes nothing. */
class StuckResponse extends Writable {
  constructor() {
    super({ highWaterMark: 64 });
  }
  writeHead(): this {
    return this;
  }
  override _write(): void {
    // Never calls back
  }
}

const EVERYTHING = { may: async () => true, account: 'ada' };

describe('a reader that takes nothing', () => {
  it('costs one message of memory, and is cut off after four heartbeats', async () => {
    await using api = await ApiBench.open();
    await api.furnish();
    const { engine, clock } = api;
    const response = new StuckResponse();
    const feed = openFeed(engine, { home: 'h1', snapshot: false }, EVERYTHING);
    const streaming = streamEvents(response as unknown as ServerResponse, feed, {
      clock,
      connections: new LiveConnections(),
      account: 'ada',
      url: '/',
      watch: () => ({ look: () => {}, [Symbol.dispose]: () => {} }),
    });
    const before = response.writableLength;
    for (let revision = 1; revision <= 5_000; revision++) {
      engine.changes.publish(changeOf(revision, 100));
    }
    expect(response.writableLength).toBe(before);
    for (let beat = 1; beat <= 3; beat++) clock.advance(HEARTBEAT_MS);
    expect(response.destroyed).toBe(false);
    clock.advance(HEARTBEAT_MS);
    expect(response.destroyed).toBe(true);
    await streaming;
    expect(engine.changes.subscribers).toBe(0);
  });
});
