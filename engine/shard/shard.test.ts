import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EngineError } from '../model/errors.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { away, flaky } from '../testing/flaky-storage.ts';
import { lamp } from '../testing/lamp.ts';

const h1 = (twin: string) => ({ home: 'h1', twin });
const memory = async () => flaky(await openSqlite(':memory:', { deadLettersPerHome: 10 }));

describe('while the database is gone', () => {
  test('nothing is acknowledged, readiness fails, and it goes on by itself', async () => {
    await using storage = await memory();
    await using bench = await startEngine({ kinds: [lamp], storage });
    await bench.send('a', { type: 'telemetry', power: 1 });
    storage.fail.set('commit', away);
    let answered = false;
    const waiting = bench.send('a', { type: 'telemetry', power: 2 }).then((receipt) => {
      answered = true;
      return receipt;
    });
    for (let tries = 0; tries < 5; tries++) {
      bench.clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(answered).toBe(false);
    expect(bench.engine.health()).toEqual({ ready: false, problems: ['the database is away'] });
    storage.fail.clear();
    bench.clock.advance(10_000);
    expect(await waiting).toMatchObject({ status: 'accepted', revision: 2 });
    expect(bench.engine.health()).toEqual({ ready: true, problems: [] });
    expect(await bench.engine.replay(h1('a'))).toMatchObject({ ok: true });
  });

  test('the same holds for loading a twin', async () => {
    await using storage = await memory();
    await using bench = await startEngine({ kinds: [lamp], storage });
    storage.fail.set('load', away);
    const waiting = bench.send('a', { type: 'telemetry', power: 1 });
    bench.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    storage.fail.clear();
    bench.clock.advance(60_000);
    expect(await waiting).toMatchObject({ status: 'accepted' });
  });

  test('a clock that is set back meanwhile holds nothing up', async () => {
    await using storage = await memory();
    await using bench = await startEngine({ kinds: [lamp], storage });
    storage.fail.set('commit', away);
    const waiting = bench.send('a', { type: 'telemetry', power: 1 });
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(bench.engine.health()).toMatchObject({ ready: false });
    bench.clock.jump(bench.clock.now() - 3_600_000);
    storage.fail.clear();
    bench.clock.advance(10_000);
    expect(await waiting).toMatchObject({ status: 'accepted' });
  });

  test('what is sent again meanwhile counts once, behind however many others', async () => {
    await using storage = await memory();
    await using bench = await startEngine({ kinds: [lamp], storage });
    const send = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) =>
        bench.send('a', { type: 'telemetry', power: n }, { id: `${name}${n}` }),
      );
    storage.fail.set('commit', away);
    const first = send('first', 60);
    for (let second = 0; second < 20; second++) {
      bench.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const rest = [...send('second', 100), ...send('first', 60)];
    storage.fail.clear();
    bench.clock.advance(10_000);
    const statuses = (await Promise.all([...first, ...rest])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'accepted')).toHaveLength(160);
    expect(statuses.slice(160).every((status) => status === 'duplicate')).toBe(true);
  });

  test('a stop does not hang: what waits is refused as retryable', async () => {
    await using storage = await memory();
    const bench = await startEngine({ kinds: [lamp], storage });
    storage.fail.set('commit', away);
    const waiting = bench.send('a', { type: 'telemetry', power: 1 });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const stopped = bench.engine[Symbol.asyncDispose]();
    await expect(waiting).rejects.toMatchObject({ retryable: true });
    await stopped;
  });
});

test('an event that the store refuses for good becomes a dead letter, its neighbours are stored', async () => {
  await using storage = await memory();
  await using bench = await startEngine({ kinds: [lamp], storage });
  await bench.send('a', { type: 'telemetry', power: 1 });
  const commit = storage.commit.bind(storage);
  storage.commit = (rows) =>
    rows.journal.some(({ event }) => event.power === 666)
      ? Promise.reject(new Error('invalid byte sequence'))
      : commit(rows);
  const receipts = await Promise.all(
    [1, 666, 2].map((power) => bench.send('a', { type: 'telemetry', power })),
  );
  expect(receipts.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted']);
  const { items } = await storage.listDeadLetters('h1', { limit: 10 });
  expect(items).toMatchObject([{ code: 'bad-input' }]);
  expect(items[0]?.error).toMatch(/invalid byte sequence/);
  expect(await bench.engine.replay(h1('a'))).toMatchObject({ ok: true, revision: 3 });
});

test('its neighbours are stored, too, where each of them takes long to load', async () => {
  await using storage = await memory();
  await using bench = await startEngine({ kinds: [lamp], storage });
  const commit = storage.commit.bind(storage);
  storage.commit = (rows) =>
    rows.journal.some(({ event }) => event.power === 666)
      ? Promise.reject(new Error('invalid byte sequence'))
      : commit(rows);
  let now = 0;
  const time = vi.spyOn(performance, 'now').mockImplementation(() => (now += 20));
  onTestFinished(() => time.mockRestore());
  const receipts = await Promise.all(
    [1, 666, 2, 3].map((power) => bench.send(`t${power}`, { type: 'telemetry', power })),
  );
  expect(receipts.map(({ status }) => status)).toEqual([
    ...['accepted', 'rejected', 'accepted', 'accepted'],
  ]);
  expect((await storage.listDeadLetters('h1', { limit: 10 })).items).toMatchObject([
    { twin: 't666', code: 'bad-input' },
  ]);
});

test('its neighbours are stored, too, where it is a timer that cannot be stored', async () => {
  await using storage = await memory();
  await using bench = await startEngine({ kinds: [lamp], storage });
  await bench.send('a', { type: 'desired.changed', on: true });
  const commit = storage.commit.bind(storage);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begin = () => {};
  const isUnderWay = new Promise<void>((resolve) => {
    begin = resolve;
  });
  storage.commit = async (rows) => {
    begin();
    await held;
    if (rows.journal.some(({ event }) => event.type === 'intent.expired')) {
      throw new Error('invalid byte sequence');
    }
    await commit(rows);
  };
  const first = bench.send('b', { type: 'telemetry', power: 1 });
  await isUnderWay;
  // The command's end waits behind it, and after that the neighbours
  bench.clock.advance(31_000);
  await new Promise((resolve) => setImmediate(resolve));
  const others = [2, 3].map((power) => bench.send('b', { type: 'telemetry', power }));
  release();
  const statuses = (await Promise.all([first, ...others])).map(({ status }) => status);
  expect(statuses).toEqual(['accepted', 'accepted', 'accepted']);
  expect(bench.signals.filter(({ name }) => name === 'background.failed')).toHaveLength(1);
});

test('once another engine has taken over, nothing more is written and readiness says why', async () => {
  await using storage = await memory();
  await using bench = await startEngine({ kinds: [lamp], storage });
  await bench.send('a', { type: 'telemetry', power: 1 });
  storage.fail.set('commit', new EngineError('fenced', 'a newer epoch exists'));
  await expect(bench.send('a', { type: 'telemetry', power: 2 })).rejects.toMatchObject({
    code: 'fenced',
  });
  await expect(bench.send('a', { type: 'telemetry', power: 3 })).rejects.toMatchObject({
    code: 'fenced',
  });
  expect(bench.engine.health()).toMatchObject({ ready: false });
  expect(bench.signals.some(({ name }) => name === 'ownership.lost')).toBe(true);
});

test('cold twins cost no memory: with two kept hot, twenty work as well', async () => {
  await using bench = await startEngine({ kinds: [lamp], limits: { hotTwins: 2 } });
  for (let round = 1; round <= 3; round++) {
    for (let n = 0; n < 20; n++) await bench.send(`t${n}`, { type: 'telemetry', power: round });
  }
  expect(bench.engine.stats().hotTwins).toBeLessThanOrEqual(2);
  for (let n = 0; n < 20; n++) {
    const reading = await bench.engine.readTwin(h1(`t${n}`));
    expect(reading?.row.revision).toBe(3);
    expect(await bench.engine.replay(h1(`t${n}`))).toMatchObject({ ok: true });
  }
});

test('a store that answers at once keeps nobody else waiting, however much is to do', async () => {
  await using bench = await startEngine({ kinds: [lamp], limits: { batch: 10 } });
  const sent = Promise.all(
    Array.from({ length: 1_000 }, (_, n) => bench.send('a', { type: 'telemetry', power: n })),
  );
  let done = false;
  void sent.then(() => {
    done = true;
  });
  let turns = 0;
  for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(turns).toBeGreaterThan(90);
});
