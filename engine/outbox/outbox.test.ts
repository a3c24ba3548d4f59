import { describe, expect, test } from 'vitest';
import type { DeliveryRow } from '../model/rows.ts';
import type { Storage } from '../storage/port.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { RecordingSink, startEngine } from '../testing/engine-bench.ts';
import { flaky, away as storeAway } from '../testing/flaky-storage.ts';
import { lamp } from '../testing/lamp.ts';
import type { DeliveryOutcome } from './sink.ts';

const admin = { principal: 'admin', source: 'rest' };
const h1 = (twin: string) => ({ home: 'h1', twin });
const blink = { name: 'blink', args: { times: 1 }, ttl: 3_600_000 };
const retry: DeliveryOutcome = { status: 'retry', error: 'not connected' };
const away: DeliveryOutcome = { ...retry, scope: 'destination' };
const DELIVERED: DeliveryOutcome = { status: 'delivered' };

describe('the outbox', () => {
  test('redelivers an effect whose sink died before it settled, under the same id', async () => {
    const storage = flaky(await openSqlite(':memory:', { deadLettersPerHome: 10 }));
    await using _held = storage;
    const first = await startEngine({ kinds: [lamp], storage });
    await first.send('a', { type: 'telemetry' });
    // Delivered, but its end never reaches the store: as if the process died right then
    storage.fail.set('saveCursors', storeAway);
    await first.engine.command(h1('a'), blink, admin);
    first.clock.advance(1);
    await new Promise<void>((resolve) => {
      const look = () => (first.sink.commands.length > 0 ? resolve() : setImmediate(look));
      look();
    });
    await first.engine[Symbol.asyncDispose]();
    storage.fail.clear();

    await using second = await startEngine({ kinds: [lamp], storage, clock: first.clock });
    await second.engine.idle();
    expect(second.sink.commands.map(({ id }) => id)).toEqual(
      first.sink.commands.map(({ id }) => id),
    );
    expect(second.engine.stats()).toMatchObject({ outbox: { test: 0 }, outboxLag: { test: 0 } });
  });

  test('keeps what it cannot deliver and goes on in order when the destination is back', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.sink.answer = () => away;
    await bench.send('a', { type: 'telemetry' });
    for (let times = 1; times <= 3; times++) {
      await bench.engine.command(h1('a'), { ...blink, args: { times } }, admin);
    }
    await bench.engine.idle();
    expect(bench.sink.commands).toEqual([]);
    bench.sink.answer = () => ({ status: 'delivered' });
    bench.engine.wakeSink('test');
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ args }) => args)).toEqual([
      { times: 1 },
      { times: 2 },
      { times: 3 },
    ]);
  });

  test('lets each delivery be carried by the sink that says so, and all others by the one for them', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const carried: DeliveryRow[] = [];
    const ofB = bench.engine.addSink({
      name: 'test',
      takes: ['command', 'desired'],
      carries: ({ twin }) => twin === 'b',
      async deliver(rows) {
        carried.push(...rows);
        return rows.map(() => DELIVERED);
      },
    });
    for (const twin of ['a', 'b', 'c']) {
      await bench.send(twin, { type: 'telemetry' });
      await bench.engine.command(h1(twin), blink, admin);
    }
    await bench.engine.idle();
    expect(carried.map(({ twin, destination }) => [twin, destination])).toEqual([['b', 'test']]);
    expect(bench.sink.commands.map(({ twin }) => twin)).toEqual(['a', 'c']);
    ofB[Symbol.dispose]();
    await bench.engine.command(h1('b'), blink, admin);
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ twin }) => twin)).toEqual(['a', 'c', 'b']);
  });

  test('lets the others of a destination go on when the sink that carries some of it fails', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.engine.addSink({
      name: 'test',
      takes: ['command', 'desired'],
      carries: ({ twin }) => twin === 'b',
      deliver: async (rows) => rows.map(() => retry),
    });
    for (const twin of ['a', 'b']) {
      await bench.send(twin, { type: 'telemetry' });
      await bench.engine.command(h1(twin), blink, admin);
    }
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ twin }) => twin)).toEqual(['a']);
    expect(await bench.engine.storeStats()).toMatchObject({ undelivered: { depth: 1 } });
  });

  test('tries again after a while although the clock is set back meanwhile', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('a', { type: 'telemetry' });
    for (const outcome of [away, retry]) {
      bench.sink.answer = () => outcome;
      await bench.engine.command(h1('a'), blink, admin);
      await bench.engine.idle();
      bench.clock.jump(bench.clock.now() - 3_600_000);
      bench.sink.answer = () => ({ status: 'delivered' });
      await bench.pass(60_000);
    }
    expect(bench.sink.commands).toHaveLength(2);
  });

  test('a twin that cannot be reached holds up nobody else, and keeps its own order', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.sink.answer = ({ twin }) => (twin === 'gone' ? retry : { status: 'delivered' });
    for (const twin of ['gone', 'here']) await bench.send(twin, { type: 'telemetry' });
    for (let times = 1; times <= 2; times++) {
      await Promise.all(
        ['gone', 'here'].map((twin) =>
          bench.engine.command(h1(twin), { ...blink, args: { times } }, admin),
        ),
      );
    }
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ twin, args }) => [twin, args])).toEqual([
      ['here', { times: 1 }],
      ['here', { times: 2 }],
    ]);
    bench.sink.answer = () => ({ status: 'delivered' });
    await bench.pass(60_000);
    expect(bench.sink.commands.slice(2).map(({ twin, args }) => [twin, args])).toEqual([
      ['gone', { times: 1 }],
      ['gone', { times: 2 }],
    ]);
  });

  test('a twin that comes while its command is still being tried is not left to wait', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    let fail = () => {};
    const failed = new Promise<DeliveryOutcome>((resolve) => {
      fail = () => resolve(retry);
    });
    let tries = 0;
    bench.sink.deliver = async (rows) => {
      tries++;
      return tries === 1 ? [await failed] : rows.map(() => DELIVERED);
    };
    await bench.send('a', { type: 'telemetry' });
    await bench.engine.command(h1('a'), blink, admin);
    while (tries === 0) await new Promise((go) => setImmediate(go));
    bench.engine.wakeSink('test');
    fail();
    await bench.engine.idle();
    expect(tries).toBe(2);
  });

  test('a command is tried until it expires, however often others come and go', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.sink.answer = () => retry;
    await bench.send('a', { type: 'telemetry' });
    await bench.engine.command(h1('a'), blink, admin);
    for (let times = 0; times < 150; times++) {
      bench.engine.wakeSink('test');
      await bench.engine.idle();
    }
    bench.sink.answer = () => DELIVERED;
    bench.engine.wakeSink('test');
    await bench.engine.idle();
    expect(bench.sink.commands).toHaveLength(1);
  });

  test('forgets what was withdrawn while it waited for its twin', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.sink.answer = ({ delivery }) => (delivery.type === 'command' ? retry : DELIVERED);
    await bench.send('a', { type: 'telemetry', on: false });
    for (const on of [true, false, true]) {
      await bench.send('a', { type: 'desired.changed', on });
      await bench.engine.idle();
    }
    await bench.pass(60_000);
    expect(bench.engine.stats().outbox).toEqual({ test: 0 });
  });

  test('does not try again what was withdrawn while it was being tried', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    let fail = () => {};
    const failed = new Promise<DeliveryOutcome>((resolve) => {
      fail = () => resolve(retry);
    });
    let tries = 0;
    bench.sink.deliver = (rows) =>
      Promise.all(
        rows.map(({ delivery }) =>
          delivery.type === 'command' && ++tries === 1 ? failed : DELIVERED,
        ),
      );
    await bench.send('a', { type: 'telemetry', on: false });
    await bench.send('a', { type: 'desired.changed', on: true });
    while (tries === 0) await new Promise((go) => setImmediate(go));
    // The device has done it, whatever became of its acknowledgement
    await bench.send('a', { type: 'telemetry', on: true });
    fail();
    await bench.pass(10_000);
    expect(tries).toBe(1);
    expect(bench.engine.stats().outbox).toEqual({ test: 0 });
  });

  test('does not try again what was withdrawn while that it has to wait was being stored', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const park = storage.park.bind(storage);
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let isParking = false;
    const slow: typeof storage = {
      ...storage,
      async park(epoch, rows) {
        isParking = true;
        await held;
        await park(epoch, rows);
      },
    };
    await using bench = await startEngine({ kinds: [lamp], storage: slow });
    bench.sink.answer = ({ delivery }) => (delivery.type === 'command' ? retry : DELIVERED);
    await bench.send('a', { type: 'telemetry', on: false });
    await bench.send('a', { type: 'desired.changed', on: true });
    while (!isParking) await new Promise((go) => setImmediate(go));
    await bench.send('a', { type: 'telemetry', on: true });
    goOn();
    bench.sink.answer = () => DELIVERED;
    await bench.pass(10_000);
    expect(bench.sink.commands).toEqual([]);
    expect(bench.engine.stats().outbox).toEqual({ test: 0 });
  });

  test('is told once, although the store was away when it had to wait', async () => {
    await using storage = flaky(await openSqlite(':memory:', { deadLettersPerHome: 10 }));
    await using bench = await startEngine({ kinds: [lamp], storage });
    bench.sink.answer = () => retry;
    await bench.send('a', { type: 'telemetry' });
    storage.fail.set('park', storeAway);
    await bench.engine.command(h1('a'), blink, admin);
    await bench.engine.idle();
    storage.fail.clear();
    await bench.pass(1_000);
    bench.sink.answer = () => DELIVERED;
    await bench.pass(60_000);
    expect(bench.sink.commands).toHaveLength(1);
  });

  test('a twin that takes its time holds up nobody else', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const deliver = bench.sink.deliver.bind(bench.sink);
    bench.sink.deliver = async (rows) => {
      if (rows.some(({ twin }) => twin === 'slow')) await slow;
      return deliver(rows);
    };
    for (const twin of ['slow', 'quick']) await bench.send(twin, { type: 'telemetry' });
    await bench.engine.command(h1('slow'), { ...blink, args: { times: 1 } }, admin);
    await bench.engine.command(h1('slow'), { ...blink, args: { times: 2 } }, admin);
    await bench.engine.command(h1('quick'), { ...blink, args: { times: 3 } }, admin);
    while (bench.sink.commands.length === 0) await new Promise((go) => setImmediate(go));
    expect(bench.sink.commands.map(({ twin }) => twin)).toEqual(['quick']);
    release();
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ args }) => args)).toEqual([
      { times: 3 },
      { times: 1 },
      { times: 2 },
    ]);
  });

  test('keeps what is refused as a dead letter, fails the intent, and revives it on request', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    bench.sink.answer = () => ({ status: 'refused', error: 'no such topic', hint: 'look there' });
    await bench.send('a', { type: 'telemetry' });
    const intent = await bench.engine.command(h1('a'), blink, admin);
    await bench.engine.idle();
    expect(await bench.engine.getIntent('h1', intent.id)).toMatchObject({
      status: 'failed',
      error: 'no such topic',
    });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code: 'delivery-failed', hint: 'look there', source: 'test' }]);
    bench.sink.answer = () => ({ status: 'delivered' });
    const retried = await bench.engine.retryDeadLetter(items[0]?.id ?? '');
    expect(retried.resolved).toBe(true);
    await bench.engine.idle();
    expect(bench.sink.commands).toHaveLength(1);
    expect((await bench.storage.listDeadLetters('h1', { limit: 10 })).items).toEqual([]);
  });

  test('delivers what was revived, although nobody could say whether it was', async () => {
    const storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    const reviveDelivery: Storage['reviveDelivery'] = async (...args) => {
      await storage.reviveDelivery(...args);
      throw storeAway;
    };
    await using bench = await startEngine({
      kinds: [lamp],
      storage: { ...storage, reviveDelivery },
    });
    bench.sink.answer = () => ({ status: 'refused', error: 'no such topic' });
    await bench.send('a', { type: 'telemetry' });
    await bench.engine.command(h1('a'), blink, admin);
    await bench.engine.idle();
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    bench.sink.answer = () => DELIVERED;
    await expect(bench.engine.retryDeadLetter(items[0]?.id ?? '')).rejects.toBe(storeAway);
    await bench.engine.idle();
    expect(bench.sink.commands).toHaveLength(1);
  });

  test('a sink that throws is tried again; one that gives too few outcomes too', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    let calls = 0;
    bench.sink.deliver = (rows) => {
      calls++;
      if (calls === 1) return Promise.reject(new Error('boom'));
      if (calls === 2) return Promise.resolve([]);
      return RecordingSink.prototype.deliver.call(bench.sink, rows);
    };
    await bench.send('a', { type: 'telemetry' });
    await bench.engine.command(h1('a'), blink, admin);
    await bench.engine.idle();
    await bench.pass(60_000);
    await bench.pass(60_000);
    expect(calls).toBe(3);
    expect(bench.sink.commands).toHaveLength(1);
  });

  test('more than memory holds is delivered from the store, all of it and in order', async () => {
    const limits = { stateBytes: 4 * 1024 * 1024 };
    await using bench = await startEngine({ kinds: [lamp], sink: null, limits });
    await bench.send('a', { type: 'telemetry' });
    const rounds = 1_500;
    await Promise.all(
      Array.from({ length: rounds }, (_, times) =>
        bench.engine.tell({
          ...h1('a'),
          id: `c${times}`,
          dedupe: false,
          event: { type: 'command.requested', ...blink, args: { times } },
          at: bench.clock.now(),
          principal: 'admin',
          ifUnknown: 'reject',
        }),
      ),
    );
    bench.engine.addSink(bench.sink);
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ args }) => (args as { times: number }).times)).toEqual(
      Array.from({ length: rounds }, (_, times) => times),
    );
  });
});
