/** A reader that is cut off and comes back has seen each change once and in order, or is told that it has not. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStorage, type Storage } from '../../engine/index.ts';
import { createTestDatabase, type TestDatabase } from '../../engine/testing/postgres.ts';
import { ApiBench, TOKEN } from '../http/testing/api-bench.ts';
import { EventSourceReader } from '../http/testing/event-source.ts';
import { SocketClient } from '../http/testing/socket-client.ts';
import { HEARTBEAT_MS } from './heartbeat.ts';

interface Told {
  event: string;
  data: Record<string, unknown>;
}
interface LiveReader extends AsyncDisposable {
  /** The next message of the stream itself. */
  next(): Promise<Told>;
  lastId(): string | null;
}
interface Wish {
  home?: string;
  twin?: string;
  kind?: string;
  snapshot?: true;
  token?: string;
}
type Open = (address: string, lastId: string | null, wish?: Wish) => Promise<LiveReader>;

const sse: Open = async (address, lastId, { home = 'h1', token = TOKEN, ...wish } = {}) => {
  const query = new URLSearchParams(
    Object.entries(wish).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const url = `http://${address}/v1/homes/${home}/stream?${query}`;
  const reader = await EventSourceReader.open(url, { token, lastId });
  await reader.nextOf('hello');
  return {
    async next() {
      for (;;) {
        const message = await reader.next();
        if (!message) throw new Error('the stream has ended');
        if (message.event !== 'comment') return message;
      }
    },
    lastId: () => reader.lastId ?? lastId,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
};
const webSocket: Open = async (address, lastId, { token = TOKEN, ...wish } = {}) => {
  const client = await SocketClient.open(address, token);
  const resume = lastId !== null && { resume: lastId };
  client.send({ action: 'subscribe', id: 'a', home: 'h1', ...wish, ...resume });
  await client.nextOf('subscribed');
  return {
    async next() {
      const { type, data } = await client.next();
      return { event: type, data: data as Told['data'] };
    },
    lastId: () => client.lastId ?? lastId,
    [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
  };
};
const DOORS = [
  ['server-sent events', sse],
  ['WebSocket', webSocket],
] as const;

/** Reads until a turn with this event id was told; that is the last. */
async function readTo(reader: LiveReader, eventId: string): Promise<Told[]> {
  const seen: Told[] = [];
  for (;;) {
    const message = await reader.next();
    seen.push(message);
    if (message.event === 'twin' && message.data['eventId'] === eventId) return seen;
  }
}

const post = (api: ApiBench, twin: string, event: object, key?: string) =>
  api.post(
    `/v1/homes/h1/twins/${twin}/events`,
    event,
    key === undefined ? {} : { headers: { 'idempotency-key': key } },
  );
const happen = async (api: ApiBench, powers: readonly number[]) => {
  for (const power of powers) {
    const twin = power % 2 === 0 ? 'l1' : 'l2';
    if (power % 5 === 0) {
      await api.post(`/v1/homes/h1/twins/${twin}/commands`, { name: 'blink', args: { times: 1 } });
    } else await post(api, twin, { type: 'telemetry', power });
  }
};
const furnish = async (api: ApiBench) => {
  await api.furnish();
  await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
};
const powers = fc.array(fc.nat(600), { minLength: 1, maxLength: 6 });

describe.each(DOORS)('over %s', (_, open) => {
  test('a reader that is cut off again and again has seen what an uncut one has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ powers, reads: fc.nat(5) }), { minLength: 1, maxLength: 6 }),
        async (spells) => {
          await using api = await ApiBench.open();
          await furnish(api);
          const address = await api.listen();
          await using uncut = await open(address, null);
          await post(api, 'l1', { type: 'remind' }, 'begin');
          const begun = await readTo(uncut, 'begin');
          let lastId = uncut.lastId();
          const seen: Told[] = [];
          for (const spell of spells) {
            await happen(api, spell.powers);
            await using reader = await open(address, lastId);
            for (let read = 0; read < Math.min(spell.reads, spell.powers.length); read++) {
              seen.push(await reader.next());
            }
            lastId = reader.lastId();
          }
          await post(api, 'l1', { type: 'remind' }, 'end');
          await using last = await open(address, lastId);
          seen.push(...(await readTo(last, 'end')));
          expect(begun.length).toBeGreaterThan(0);
          expect(seen).toEqual(await readTo(uncut, 'end'));
        },
      ),
      { numRuns: 8 },
    );
  });

  test('a reader of one twin or one kind goes on with that one', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    await api.post('/v1/homes/h1/twins', { id: 'corner', kind: 'nook' });
    const address = await api.listen();
    await using all = await open(address, null);
    await post(api, 'l1', { type: 'remind' }, 'begin');
    await readTo(all, 'begin');
    const from = all.lastId();
    await happen(api, [1, 2, 3]);
    await api.patch('/v1/homes/h1/twins/l1', { room: 'corner' });
    await post(api, 'l1', { type: 'remind' }, 'end');
    await using one = await open(address, from, { twin: 'l1' });
    const ofOne = await readTo(one, 'end');
    expect(ofOne.map(({ data }) => data['id'])).toEqual(['l1', 'l1', 'l1']);
    await using lamps = await open(address, from, { kind: 'lamp' });
    const ofLamps = (await readTo(lamps, 'end')).map(({ data }) => data['id']);
    expect(ofLamps).toEqual(['l2', 'l1', 'l2', 'l1', 'l1']);
  });

  test('a reader for whom nothing was goes on from the last heartbeat', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    let lastId: string | null;
    {
      await using reader = await open(address, null, { twin: 'l2' });
      await using all = await open(address, null);
      await post(api, 'l1', { type: 'remind' }, 'unseen');
      await readTo(all, 'unseen');
      const before = reader.lastId();
      api.clock.advance(HEARTBEAT_MS);
      await post(api, 'l2', { type: 'remind' }, 'seen');
      const seen = await readTo(reader, 'seen');
      expect(seen).toHaveLength(1);
      lastId = reader.lastId();
      expect(lastId).not.toBe(before);
    }
    await post(api, 'l2', { type: 'remind' }, 'end');
    await using again = await open(address, lastId, { twin: 'l2' });
    expect(await readTo(again, 'end')).toHaveLength(1);
  });

  test('a reader with a snapshot gets it once; cut off in it, or too late, it gets it anew', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    const snapshot = true as const;
    await using reader = await open(address, null, { snapshot });
    for (const id of ['l1', 'l2']) {
      expect(await reader.next()).toMatchObject({ event: 'snapshot', data: { id } });
      expect(reader.lastId()).toBeNull();
    }
    expect(await reader.next()).toMatchObject({ event: 'snapshot.end' });
    await post(api, 'l1', { type: 'remind' }, 'one');
    await readTo(reader, 'one');
    await post(api, 'l1', { type: 'remind' }, 'two');
    await using resumed = await open(address, reader.lastId(), { snapshot });
    expect(await readTo(resumed, 'two')).toHaveLength(1);
    await using late = await open(address, '1.1.0.0', { snapshot });
    expect(await late.next()).toMatchObject({ event: 'gap', data: { reason: 'unknown' } });
    expect(await late.next()).toMatchObject({ event: 'snapshot', data: { id: 'l1' } });
    expect(await late.next()).toMatchObject({ event: 'snapshot', data: { id: 'l2' } });
    expect(await late.next()).toEqual({ event: 'snapshot.end', data: { twins: 2 } });
    await post(api, 'l1', { type: 'remind' }, 'three');
    expect(await readTo(late, 'three')).toHaveLength(1);
  });

  test('a reader is told that it cannot go on from another home’s message, and goes on live', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    await api.post('/v1/homes', { id: 'h2' });
    await api.post('/v1/homes/h2/twins', { id: 'x', kind: 'lamp' });
    const address = await api.listen();
    await using reader = await open(address, null);
    await post(api, 'l1', { type: 'remind' }, 'one');
    await readTo(reader, 'one');
    await using other = await open(address, reader.lastId(), { home: 'h2' });
    expect(await other.next()).toEqual({
      event: 'gap',
      data: { reason: 'unknown', detail: expect.stringContaining('not of this home') },
    });
    await api.post('/v1/homes/h2/twins/x/events', { type: 'remind' });
    expect(await other.next()).toMatchObject({ event: 'twin', data: { home: 'h2' } });
  });

  test('a reader of a home that was deleted and made anew begins anew', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    await using reader = await open(address, null);
    await post(api, 'l1', { type: 'remind' }, 'one');
    await readTo(reader, 'one');
    await api.delete('/v1/homes/h1');
    await furnish(api);
    await using again = await open(address, reader.lastId());
    expect(await again.next()).toMatchObject({ event: 'gap', data: { reason: 'unknown' } });
  });

  test('a guest who goes on sees what a guest sees', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    const { id, token } = await api.person('guest@homeostat.test');
    const admission = { role: 'guest' as const, twins: ['l1'], until: null };
    await api.identity.memberships.add('h1', id, admission, id);
    await using reader = await open(address, null);
    await post(api, 'l1', { type: 'remind' }, 'one');
    await readTo(reader, 'one');
    await happen(api, [5, 2]);
    await using guest = await open(address, reader.lastId(), { token });
    await post(api, 'l1', { type: 'telemetry', power: 300 });
    const seen: Told[] = [];
    for (let read = 0; read < 4; read++) seen.push(await guest.next());
    // Neither what became of the command, nor what led to a turn
    expect(seen.map(({ event, data }) => [event, data['id'] ?? '', data['event']])).toEqual([
      ['twin', 'l2', undefined],
      ['twin', 'l1', undefined],
      ['twin', 'l1', undefined],
      ['alert', expect.any(String), undefined],
    ]);
  });
});

describe('what is no id', () => {
  test('is a gap to server-sent events, as a browser would ask with it for ever', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    for (const id of [
      'garbage',
      '1.2',
      '1.2.3.04',
      '1.2.3.-4',
      'zzzzzzzzzzz.1.1.1',
      '1'.repeat(90),
    ]) {
      await using reader = await sse(address, id);
      expect(await reader.next()).toMatchObject({ event: 'gap', data: { reason: 'malformed' } });
      await post(api, 'l1', { type: 'remind' });
      expect(await reader.next()).toMatchObject({ event: 'twin' });
    }
  });

  test('is refused to a subscription over WebSocket, and the others go on', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    using client = await SocketClient.open(await api.listen());
    await client.nextOf('hello');
    client.send({ action: 'subscribe', id: 'a', home: 'h1', resume: 'garbage' });
    expect(await client.next()).toMatchObject({
      ...{ type: 'error', subscription: 'a', code: 'malformed' },
      hint: expect.stringContaining('read the twins'),
    });
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    expect(await client.next()).toEqual({ type: 'subscribed', subscription: 'a' });
  });

  test('may come as a parameter; what a browser sends by itself counts before it', async () => {
    await using api = await ApiBench.open();
    await furnish(api);
    const address = await api.listen();
    await using first = await sse(address, null);
    await post(api, 'l1', { type: 'remind' }, 'one');
    await readTo(first, 'one');
    const one = first.lastId();
    await post(api, 'l1', { type: 'remind' }, 'two');
    await readTo(first, 'two');
    const url = `http://${address}/v1/homes/h1/stream?resume=${one}`;
    await using byParameter = await EventSourceReader.open(url);
    expect(await byParameter.nextOf('twin')).toMatchObject({ eventId: 'two' });
    await using again = await EventSourceReader.open(url, { lastId: first.lastId() });
    await post(api, 'l1', { type: 'remind' }, 'three');
    expect(await again.nextOf('twin')).toMatchObject({ eventId: 'three' });
  });
});

describe.each(['sqlite', 'postgres'])('over a restart on %s', (dialect) => {
  let database: TestDatabase | null = null;
  beforeAll(async () => {
    if (dialect === 'postgres') database = await createTestDatabase();
  });
  afterAll(() => database?.[Symbol.asyncDispose]());
  const store = async (): Promise<Storage> => {
    await database?.reset();
    return openStorage(database?.url ?? 'sqlite::memory:', { deadLettersPerHome: 50 });
  };

  test.each(DOORS)('%s: a reader goes on with what it missed before and after', async (_, open) => {
    await using storage = await store();
    const wrap = () => storage;
    let lastId: string | null;
    const missed: Told[] = [];
    {
      await using api = await ApiBench.open({ wrap });
      await furnish(api);
      await using reader = await open(await api.listen(), null);
      await happen(api, [1, 2, 5]);
      await post(api, 'l1', { type: 'remind' }, 'cut');
      await readTo(reader, 'cut');
      lastId = reader.lastId();
      await happen(api, [300, 10, 7, 15, 400, 1]);
      await post(api, 'l1', { type: 'remind' }, 'stop');
      missed.push(...(await readTo(reader, 'stop')));
    }
    await using api = await ApiBench.open({ wrap });
    const address = await api.listen();
    await post(api, 'l2', { type: 'remind' }, 'unheard');
    await using resumed = await open(address, lastId);
    await post(api, 'l2', { type: 'remind' }, 'heard');
    const seen = await readTo(resumed, 'heard');
    expect(seen.slice(0, missed.length)).toEqual(missed);
    expect(seen.slice(missed.length).map(({ data }) => data['eventId'])).toEqual([
      'unheard',
      'heard',
    ]);
  });

  test.each(DOORS)('%s: a removed twin is a gap', async (_, open) => {
    await using storage = await store();
    const wrap = () => storage;
    let lastId: string | null;
    {
      await using api = await ApiBench.open({ wrap });
      await furnish(api);
      await using reader = await open(await api.listen(), null);
      await post(api, 'l1', { type: 'remind' }, 'cut');
      await readTo(reader, 'cut');
      lastId = reader.lastId();
      await api.delete('/v1/homes/h1/twins/l2');
    }
    await using api = await ApiBench.open({ wrap });
    await using resumed = await open(await api.listen(), lastId);
    expect(await resumed.next()).toMatchObject({ event: 'gap', data: { reason: 'twin-removed' } });
  });
});
