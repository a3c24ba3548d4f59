import { describe, expect, test } from 'vitest';
import type { Change } from '../log/change.ts';
import type { IntentRow } from '../model/rows.ts';
import type { Storage } from '../storage/port.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { type EngineBench, RecordingSink, startEngine } from '../testing/engine-bench.ts';
import { Followed } from '../testing/followed.ts';
import { lamp } from '../testing/lamp.ts';

const admin = { principal: 'admin', source: 'rest' };
const h1 = (twin: string) => ({ home: 'h1', twin });
const blinks = (times: number) => ({ name: 'blink', args: { times }, ttl: 3_600_000 });
const timesOf = (intents: readonly IntentRow[]) => intents.map(({ args }) => args['times']);

describe('commands of a home', () => {
  test('are listed newest first, open and ended ones together, in pages', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const { engine } = bench;
    for (const twin of ['a', 'b']) await bench.send(twin, { type: 'telemetry' });
    const asked: IntentRow[] = [];
    for (let times = 1; times <= 6; times++) {
      asked.push(await engine.command(h1(times % 2 ? 'a' : 'b'), blinks(times), admin));
      await bench.pass(1_000);
    }
    for (const { twin, id } of [asked[1], asked[4]] as IntentRow[]) {
      await bench.send(twin, { type: 'ack', intent: id, ok: true });
    }
    const pages: IntentRow[][] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await engine.listIntents('h1', {}, { limit: 4, cursor });
      pages.push(page.items);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(pages.map(timesOf)).toEqual([
      [6, 5, 4, 3],
      [2, 1],
    ]);
    const found = async (filter: Parameters<typeof engine.listIntents>[1]) =>
      timesOf((await engine.listIntents('h1', filter, { limit: 9 })).items);
    expect(await found({ status: 'open' })).toEqual([6, 4, 3, 1]);
    expect(await found({ status: 'sent' })).toEqual([6, 4, 3, 1]);
    expect(await found({ status: 'pending' })).toEqual([]);
    expect(await found({ status: 'confirmed' })).toEqual([5, 2]);
    expect(await found({ status: 'open', twin: 'a' })).toEqual([3, 1]);
    expect(await found({ cause: asked[2]?.cause })).toEqual([3]);
    expect(await engine.listIntents('h2', {}, { limit: 9 })).toEqual({
      items: [],
      nextCursor: null,
    });
    expect(await engine.getIntent('h2', asked[0]?.id ?? '')).toBeNull();
    await expect(engine.listIntents('h1', {}, { limit: 9, cursor: 'x' })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  test('are all listed where the store ends its pages early, as it does where rows are large', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const listEndedIntents: Storage['listEndedIntents'] = (home, filter, page) =>
      storage.listEndedIntents(home, filter, { ...page, limit: Math.min(page.limit, 2) });
    await using bench = await startEngine({
      ...{ kinds: [lamp], storage: { ...storage, listEndedIntents } },
    });
    const { engine } = bench;
    await bench.send('a', { type: 'telemetry' });
    for (let times = 1; times <= 9; times++) {
      const { id } = await engine.command(h1('a'), blinks(times), admin);
      await bench.pass(1_000);
      // The second and the last but one stay open
      if (times % 6 !== 2) await bench.send('a', { type: 'ack', intent: id, ok: true });
    }
    const pagesOf = async (filter: Parameters<typeof engine.listIntents>[1], limit: number) => {
      const pages: unknown[][] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await engine.listIntents('h1', filter, { limit, cursor });
        pages.push(timesOf(page.items));
        if (page.nextCursor === null) return pages;
        cursor = page.nextCursor;
      }
    };
    expect(await pagesOf({}, 100)).toEqual([
      [9, 8, 7],
      [6, 5],
      [4, 3],
      [2, 1],
    ]);
    expect(await pagesOf({ status: 'confirmed' }, 100)).toEqual([[9, 7], [6, 5], [4, 3], [1]]);
    expect(await pagesOf({}, 2)).toEqual([[9, 8], [7, 6], [5, 4], [3, 2], [1]]);
  });

  test('say when and how often they were sent: while they are open, at their end, and live', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const { engine, sink, clock } = bench;
    using feed = engine.changes.subscribe(({ type }) => type === 'intent');
    await bench.send('a', { type: 'telemetry' });
    sink.answer = () => ({ status: 'retry', error: 'away' });
    const { id } = await engine.command(h1('a'), blinks(1), admin);
    await engine.idle();
    expect(await engine.getIntent('h1', id)).toMatchObject({
      ...{ status: 'pending', sentAt: null, attempts: 1 },
    });
    sink.answer = () => ({ status: 'delivered' });
    await bench.pass(60_000);
    const sent = await engine.getIntent('h1', id);
    expect(sent).toMatchObject({ status: 'sent', attempts: 2, sentAt: expect.any(Number) });
    clock.advance(1);
    await bench.send('a', { type: 'ack', intent: id, ok: true });
    const ended = { status: 'confirmed', attempts: 2, sentAt: sent?.sentAt };
    expect(await engine.getIntent('h1', id)).toMatchObject(ended);
    const told: Change[] = [];
    for await (const change of feed) {
      if (told.push(change) === 3) break;
    }
    expect(told).toMatchObject([
      { intent: { status: 'pending', sentAt: null, attempts: 0 } },
      { intent: { status: 'sent', attempts: 2, sentAt: sent?.sentAt } },
      { intent: ended },
    ]);
  });

  test('are not told to be sent after a turn has told that they were acknowledged', async () => {
    const storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    let read = () => {};
    const isRead = new Promise<void>((resolve) => {
      read = resolve;
    });
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const getTwin: Storage['getTwin'] = async (address) => {
      const twin = await storage.getTwin(address);
      // Only that which tells of the command finds it
      if (twin?.state.pending.length) {
        read();
        await held;
      }
      return twin;
    };
    await using bench = await startEngine({ kinds: [lamp], storage: { ...storage, getTwin } });
    const { engine } = bench;
    await using feed = new Followed(engine.changes.subscribe(({ type }) => type === 'intent'));
    await bench.send('a', { type: 'telemetry' });
    await Promise.all([engine.desire(h1('a'), { on: true }, admin), isRead]);
    const [open] = await storage.listOpenCommands('h1', 'a');
    const id = open?.pending[0]?.id ?? '';
    await bench.send('a', { type: 'ack', intent: id, ok: true });
    goOn();
    await bench.send('b', { type: 'telemetry' });
    const last = await engine.command(h1('b'), blinks(1), admin);
    const told = await feed.until(
      (change) =>
        change.type === 'intent' && change.intent.id === last.id && change.intent.status === 'sent',
    );
    const statuses = told.flatMap((change) =>
      change.type === 'intent' && change.intent.id === id ? [change.intent.status] : [],
    );
    expect(statuses).toEqual(['pending', 'acked']);
  });

  test('that were sent before a restart are sent, and end as they are: when is not known', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const first = await startEngine({ kinds: [lamp], storage });
    await first.send('a', { type: 'telemetry' });
    const { id } = await first.engine.command(h1('a'), blinks(1), admin);
    await first.engine.idle();
    await first.engine[Symbol.asyncDispose]();
    await using second = await startEngine({ kinds: [lamp], storage, clock: first.clock });
    await second.engine.idle();
    expect(second.sink.commands).toEqual([]);
    const sent = { status: 'sent', sentAt: null, attempts: 0 };
    expect(await second.engine.getIntent('h1', id)).toMatchObject(sent);
    const listed = await second.engine.listIntents('h1', { status: 'sent' }, { limit: 9 });
    expect(listed.items).toMatchObject([{ id, ...sent }]);
    const pending = await second.engine.listIntents('h1', { status: 'pending' }, { limit: 9 });
    expect(pending.items).toEqual([]);
    await second.send('a', { type: 'ack', intent: id, ok: true });
    expect(await second.engine.getIntent('h1', id)).toMatchObject({
      ...{ status: 'confirmed', sentAt: null, attempts: 0 },
    });
  });

  test('that no destination had taken before a restart are not sent', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const first = await startEngine({ kinds: [lamp], storage });
    for (const twin of ['parked', 'waiting']) await first.send(twin, { type: 'telemetry' });
    first.sink.answer = ({ twin }) =>
      twin === 'parked'
        ? { status: 'retry', error: 'not there' }
        : { status: 'retry', error: 'away', scope: 'destination' };
    for (const twin of ['parked', 'waiting']) {
      await first.engine.command(h1(twin), blinks(1), admin);
      await first.engine.idle();
    }
    await first.engine[Symbol.asyncDispose]();
    const statuses = async ({ engine }: EngineBench) => {
      const { items } = await engine.listIntents('h1', { status: 'open' }, { limit: 9 });
      return Object.fromEntries(items.map(({ twin, status }) => [twin, status]));
    };
    {
      // Nothing has been read back as long as nobody takes it
      await using second = await startEngine({
        ...{ kinds: [lamp], storage, clock: first.clock, sink: null },
      });
      expect(await statuses(second)).toEqual({ parked: 'pending', waiting: 'pending' });
    }
    const sink = new RecordingSink();
    sink.answer = () => ({ status: 'retry', error: 'away', scope: 'destination' });
    await using third = await startEngine({ kinds: [lamp], storage, clock: first.clock, sink });
    await third.engine.idle();
    expect(await statuses(third)).toEqual({ parked: 'pending', waiting: 'pending' });
    sink.answer = () => ({ status: 'delivered' });
    third.engine.wakeSink('test');
    await third.engine.idle();
    expect(await statuses(third)).toEqual({ parked: 'sent', waiting: 'sent' });
  });

  test('to a destination that is new are not said to have been sent', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const first = await startEngine({ kinds: [lamp], storage });
    await first.send('a', { type: 'telemetry' });
    const { id } = await first.engine.command(h1('a'), blinks(1), admin);
    await first.engine.idle();
    await first.engine[Symbol.asyncDispose]();
    const acquire: Storage['acquire'] = async (...claim) => {
      const lease = await storage.acquire(...claim);
      const writers = lease.writers.map((writer) => ({ ...writer, cursors: {} }));
      return { ...lease, writers, [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() };
    };
    const { clock } = first;
    await using second = await startEngine({
      ...{ kinds: [lamp], clock, storage: { ...storage, acquire } },
    });
    await second.engine.idle();
    expect(await second.engine.getIntent('h1', id)).toMatchObject({ status: 'pending' });
  });
});

test('after a crash, the log gives what no destination has taken, exactly as it would have gone', async () => {
  const run = async (sink: RecordingSink | null) => {
    const storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const bench = await startEngine({ kinds: [lamp], storage, sink, random: () => 0.25 });
    for (const twin of ['a', 'b']) {
      await bench.send(twin, { type: 'telemetry', on: false }, { via: `native:${twin}` });
    }
    await bench.engine.desire(h1('a'), { on: true }, { ...admin, key: 'k1' });
    await bench.engine.command(h1('b'), blinks(1), { ...admin, key: 'k2' });
    await bench.engine.desire(h1('a'), { on: false }, { ...admin, key: 'k3' });
    await bench.engine.command(h1('b'), blinks(2), { ...admin, key: 'k4' });
    await bench.engine.idle();
    return { storage, bench };
  };
  const told = new RecordingSink();
  told.answer = () => ({ status: 'retry', error: 'away', scope: 'destination' });
  const live = await run(told);
  told.answer = () => ({ status: 'delivered' });
  live.bench.engine.wakeSink('test');
  await live.bench.engine.idle();
  const crashed = await run(null);
  await crashed.bench.engine[Symbol.asyncDispose]();
  const { clock } = crashed.bench;
  const { storage } = crashed;
  await using second = await startEngine({ kinds: [lamp], storage, clock });
  await second.engine.idle();
  const anyLife = (text: string) => text.replace(/(@\d+)\.[\w-]+/, '$1');
  const rowsOf = (sink: RecordingSink) =>
    sink.delivered
      .map((row) => ({ ...row, id: anyLife(row.id) }))
      .sort((x, y) => (x.twin < y.twin ? -1 : x.twin > y.twin ? 1 : 0));
  expect(rowsOf(second.sink)).toEqual(rowsOf(told));
  expect(rowsOf(told)).toHaveLength(5);
  await live.bench.engine[Symbol.asyncDispose]();
});
