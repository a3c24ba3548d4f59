import { describe, expect, test } from 'vitest';
import { EngineError } from '../../model/errors.ts';
import { ManualClock } from '../../model/manual-clock.ts';
import type { LogRow } from '../../model/rows.ts';
import { CONTRACT_OPTIONS } from '../../storage/contract/options.ts';
import type { Storage } from '../../storage/port.ts';
import { openSqlite } from '../../storage/sqlite/open.ts';
import { bothStores } from '../../testing/both-stores.ts';
import { type EngineBench, startEngine } from '../../testing/engine-bench.ts';
import { flaky, away as storeAway } from '../../testing/flaky-storage.ts';
import { lamp } from '../../testing/lamp.ts';
import type { Projection } from './projection.ts';

const BY = { principal: 'admin', source: 'rest' };
const SECOND = 1_000;

/** The turns of each twin, and how many there are in its home: what is applied twice, or not at all, shows. */
function turnsSeen(parts: Partial<Projection> = {}): Projection<number[] | number> {
  return {
    name: 'seen',
    version: 1,
    keysOf: () => [
      { of: 'twin', key: 'revisions' },
      { of: 'home', key: 'count' },
    ],
    apply(value, turn, { of }) {
      if (of === 'home') return Number(value ?? 0) + 1;
      return [...((value as number[] | null) ?? []), turn.revision];
    },
    ...(parts as object),
  };
}

async function readAll({ engine }: EngineBench, name = 'seen', home = 'h1') {
  const of = { name, home, from: '', to: '~', after: null };
  const [whole] = await engine.listProjected({ ...of, twin: '' }, 10);
  const each = await engine.listProjected({ ...of, twin: null }, 100);
  const twins = Object.fromEntries(each.map(({ twin, value }) => [twin, value]));
  return { count: whole?.value ?? null, twins };
}

const upTo = (revision: number) => Array.from({ length: revision + 1 }, (_, n) => n);
const report = (bench: EngineBench, twin: string, home = 'h1') =>
  bench.send(twin, { type: 'telemetry', power: 1 }, { home });
const told = ({ signals }: EngineBench, name: string) =>
  signals.filter((signal) => signal.name === name).map(({ fields }) => fields);

describe.each(bothStores())('projections on %s', (_name, open) => {
  test('have each turn once, from memory, once an interval', async () => {
    await using storage = await open();
    await using bench = await startEngine({
      ...{ kinds: [lamp], storage, projections: [turnsSeen({ everyMs: 10 * SECOND })] },
    });
    await bench.engine.idle();
    for (let n = 0; n < 3; n++) await Promise.all(['a', 'b'].map((twin) => report(bench, twin)));
    bench.clock.advance(9 * SECOND);
    await bench.engine.idle();
    expect(await readAll(bench)).toEqual({ count: null, twins: {} });
    expect(bench.engine.stats().projectionLag).toEqual({ seen: { positions: 8, seconds: 9 } });
    await bench.pass(1 * SECOND);
    expect(await readAll(bench)).toEqual({ count: 8, twins: { a: upTo(3), b: upTo(3) } });
    expect(bench.engine.stats().projectionLag).toEqual({ seen: { positions: 0, seconds: 0 } });
    await report(bench, 'a');
    await bench.pass(10 * SECOND);
    expect(await readAll(bench)).toMatchObject({ count: 9, twins: { a: upTo(4) } });
    expect(told(bench, 'projection.failed')).toEqual([]);
  });

  test('go on over a restart from where they stand, with what came meanwhile', async () => {
    await using storage = await open();
    const clock = new ManualClock();
    const start = (projections?: Projection[]) =>
      startEngine({ kinds: [lamp], storage, clock, ...(projections && { projections }) });
    const first = await start([turnsSeen()]);
    await report(first, 'a');
    await first.pass(SECOND);
    await report(first, 'a');
    await first.engine[Symbol.asyncDispose]();
    // One that has no projections leaves them as they are
    const second = await start();
    await report(second, 'a');
    await second.engine[Symbol.asyncDispose]();
    await using third = await start([turnsSeen()]);
    await third.engine.idle();
    expect(await readAll(third)).toEqual({ count: 4, twins: { a: upTo(3) } });
  });

  test('have each turn once where the store fails, or its answer is lost', async () => {
    await using storage = await open();
    const failing = flaky(storage);
    let loses = false;
    const lossy: Storage = {
      ...storage,
      readProjected: (...args) => failing.readProjected(...args),
      async project(step) {
        const moved = await failing.project(step);
        if (loses) throw new EngineError('storage-unavailable', 'its answer is lost');
        return moved;
      },
    };
    await using bench = await startEngine({
      ...{ kinds: [lamp], storage: lossy, projections: [turnsSeen()] },
    });
    const turn = async () => {
      await report(bench, 'a');
      await bench.pass(60 * SECOND);
    };
    await turn();
    loses = true;
    await turn();
    loses = false;
    await turn();
    for (const operation of ['project', 'readProjected'] as const) {
      failing.fail.set(operation, storeAway);
      await turn();
      failing.fail.clear();
      await turn();
    }
    expect(await readAll(bench)).toEqual({ count: 8, twins: { a: upTo(7) } });
    expect(told(bench, 'projection.failed').length).toBeGreaterThan(2);
  });

  test('are built from the log beside the one that answers, and take its place', async () => {
    await using storage = await open();
    await using bench = await startEngine({ kinds: [lamp], storage, projections: [turnsSeen()] });
    await report(bench, 'a');
    await bench.pass(SECOND);
    const status = await bench.engine.rebuildProjection('seen');
    expect(status).toMatchObject({ name: 'seen', generation: 2, status: 'building', version: 1 });
    await report(bench, 'a');
    await bench.pass(10 * SECOND);
    expect(await bench.engine.listProjections()).toMatchObject([
      { generation: 2, status: 'active', lag: 0, progress: 1, skipped: 0, error: null },
    ]);
    expect(await readAll(bench)).toEqual({ count: 3, twins: { a: upTo(2) } });
    expect(told(bench, 'projection.built')).toMatchObject([{ generation: 1 }, { generation: 2 }]);
    const rows = await storage.readProjected('seen', 1, [
      { home: 'h1', twin: 'a', key: 'revisions' },
    ]);
    expect(rows.rows).toEqual([]);
  });

  test('are built anew when somebody else asks for it in the database', async () => {
    await using storage = await open();
    await using bench = await startEngine({ kinds: [lamp], storage, projections: [turnsSeen()] });
    await report(bench, 'a');
    await bench.pass(SECOND);
    await storage.beginGeneration('seen', 1, bench.clock.now());
    await bench.pass(10 * SECOND);
    await bench.engine.idle();
    expect(await bench.engine.listProjections()).toMatchObject([
      { generation: 2, status: 'active' },
    ]);
    expect(await readAll(bench)).toEqual({ count: 2, twins: { a: upTo(1) } });
  });

  test('of another version answer as they were until they are built anew', async () => {
    await using storage = await open();
    const clock = new ManualClock();
    const start = (projection: Projection, store = storage) =>
      startEngine({ kinds: [lamp], storage: store, clock, projections: [projection] });
    const first = await start(turnsSeen());
    await report(first, 'a');
    await first.pass(SECOND);
    await first.engine[Symbol.asyncDispose]();
    const next = turnsSeen({ version: 2, apply: (value) => Number(value ?? 0) + 100 });
    const failing = flaky(storage);
    failing.fail.set('project', storeAway);
    const second = await start(next, failing);
    await report(second, 'a');
    await second.pass(SECOND);
    expect(await readAll(second)).toEqual({ count: 2, twins: { a: upTo(1) } });
    expect(await second.engine.listProjections()).toMatchObject([
      { version: 1, status: 'active' },
      { version: 2, status: 'building' },
    ]);
    // It dies while it is being built
    await second.engine[Symbol.asyncDispose]();
    await using third = await start(next);
    await third.engine.idle();
    expect(await readAll(third)).toEqual({ count: 300, twins: { a: 300 } });
    expect(await third.engine.listProjections()).toMatchObject([
      { version: 2, status: 'active', generation: 2 },
    ]);
  });

  test('retire with their definition, and are built anew when it returns', async () => {
    await using storage = await open();
    const clock = new ManualClock();
    const start = (projections: Projection[]) =>
      startEngine({ kinds: [lamp], storage, clock, projections });
    const first = await start([turnsSeen()]);
    await report(first, 'a');
    await first.pass(SECOND);
    await first.engine[Symbol.asyncDispose]();
    const second = await start([turnsSeen({ name: 'other' })]);
    await report(second, 'a');
    await second.pass(SECOND);
    expect(await second.engine.listProjections()).toMatchObject([
      { name: 'other', status: 'active' },
      { name: 'seen', status: 'retired' },
    ]);
    expect(await readAll(second)).toEqual({ count: 2, twins: { a: upTo(1) } });
    await second.engine[Symbol.asyncDispose]();
    await using third = await start([turnsSeen()]);
    await third.engine.idle();
    expect(await readAll(third)).toEqual({ count: 3, twins: { a: upTo(2) } });
  });

  test('have nothing of a former twin or home of the same name', async () => {
    await using storage = await open();
    await using bench = await startEngine({ kinds: [lamp], storage, projections: [turnsSeen()] });
    const { engine } = bench;
    const a = { home: 'h1', twin: 'a' };
    await engine.idle();
    for (const twin of ['a', 'a', 'a', 'b']) await report(bench, twin);
    // Still in memory when their twin goes
    await engine.deleteTwin(a, BY);
    await report(bench, 'a');
    await bench.pass(SECOND);
    expect(await readAll(bench)).toEqual({ count: 4, twins: { a: upTo(1), b: upTo(1) } });
    for (let n = 0; n < 3; n++) await report(bench, 'a');
    await engine.deleteHome('h1');
    await report(bench, 'b');
    await bench.pass(SECOND);
    expect(await readAll(bench)).toEqual({ count: 2, twins: { b: upTo(1) } });
  });

  test.each([
    { finds: 'the former twin', isLate: false, isLost: false },
    { finds: 'the next twin', isLate: true, isLost: false },
    { finds: 'the former twin', isLate: false, isLost: true },
    { finds: 'the next twin', isLate: true, isLost: true },
  ])(
    'have nothing of a twin that is deleted, and made anew, while they read its rows: $finds, outcome unknown: $isLost',
    async ({ isLate, isLost }) => {
      await using storage = await open();
      let meanwhile: (() => Promise<unknown>) | null = null;
      const slow: Storage = {
        ...storage,
        async readProjected(...args) {
          const run = meanwhile;
          meanwhile = null;
          const before = await storage.readProjected(...args);
          await run?.();
          return isLate ? await storage.readProjected(...args) : before;
        },
        async deleteTwin(address) {
          await storage.deleteTwin(address);
          if (isLost) throw storeAway;
        },
      };
      await using bench = await startEngine({
        ...{ kinds: [lamp], storage: slow, projections: [turnsSeen()] },
      });
      const { engine } = bench;
      await engine.idle();
      for (let n = 0; n < 3; n++) await report(bench, 'a');
      meanwhile = async () => {
        const deleted = engine.deleteTwin({ home: 'h1', twin: 'a' }, BY);
        if (isLost) await expect(deleted).rejects.toBe(storeAway);
        else await deleted;
        await report(bench, 'a');
      };
      await bench.pass(2 * SECOND);
      await bench.pass(2 * SECOND);
      expect((await readAll(bench)).twins).toEqual({ a: upTo(1) });
    },
  );

  test('read the store where the outcome of a deletion is not known', async () => {
    await using storage = await open();
    let isLost = true;
    const lossy: Storage = {
      ...storage,
      async deleteTwin(address) {
        await storage.deleteTwin(address);
        if (isLost) throw storeAway;
      },
    };
    await using bench = await startEngine({
      ...{ kinds: [lamp], storage: lossy, projections: [turnsSeen()] },
    });
    const { engine } = bench;
    await engine.idle();
    for (const twin of ['a', 'a', 'b']) await report(bench, twin);
    await expect(engine.deleteTwin({ home: 'h1', twin: 'a' }, BY)).rejects.toBe(storeAway);
    isLost = false;
    await bench.pass(SECOND);
    expect(await readAll(bench)).toEqual({ count: 2, twins: { b: upTo(1) } });
  });

  test('go on without a turn that they cannot take, and tell it', async () => {
    await using storage = await open();
    const refusing = turnsSeen({
      apply(value, turn, key) {
        if (turn.revision === 2 && key.of === 'home') throw new Error('no');
        return turnsSeen().apply(value as number, turn, key);
      },
    });
    const bench = await startEngine({ kinds: [lamp], storage, projections: [refusing] });
    await using _bench = bench;
    for (let n = 0; n < 3; n++) await report(bench, 'a');
    await bench.pass(SECOND);
    // Of a turn everything is left out, or nothing
    expect(await readAll(bench)).toEqual({ count: 3, twins: { a: [0, 1, 3] } });
    expect(told(bench, 'projection.left-out')).toEqual([
      { projection: 'seen', turn: 'h1/a@2', error: 'no' },
    ]);
    expect(await bench.engine.listProjections()).toMatchObject([
      { skipped: 1, error: 'h1/a@2: no' },
    ]);
  });

  test('leave out what the store refuses, and nothing else', async () => {
    await using storage = await open();
    const refusing: Storage = {
      ...storage,
      project: (step) =>
        step.puts.some(({ value }) => Array.isArray(value) && value.includes(2))
          ? Promise.reject(new Error('refused'))
          : storage.project(step),
    };
    const bench = await startEngine({
      kinds: [lamp],
      storage: refusing,
      projections: [turnsSeen()],
    });
    await using _bench = bench;
    for (let n = 0; n < 4; n++) await report(bench, 'a');
    await report(bench, 'b');
    await bench.pass(SECOND);
    expect(await readAll(bench)).toEqual({ count: 6, twins: { a: [0, 1, 3, 4], b: upTo(1) } });
    expect(told(bench, 'projection.left-out')).toEqual([
      { projection: 'seen', turn: 'h1/a@2', error: 'refused' },
    ]);
  });

  test('read the store when memory was outrun, and give it all the same', async () => {
    await using storage = await open();
    const turns: { fromStore: boolean; turn: LogRow }[] = [];
    const reading: Storage = { ...storage };
    const collecting = (fromStore: boolean): Projection =>
      turnsSeen({
        keysOf: (turn) => {
          turns.push({ fromStore, turn });
          return [{ of: 'twin', key: 'revisions' }];
        },
      });
    const clock = new ManualClock();
    const first = await startEngine({
      ...{ kinds: [lamp], storage: reading, clock, projections: [collecting(false)] },
    });
    for (let n = 0; n < 20; n++) {
      await report(first, 'a');
      await first.engine.desire({ home: 'h1', twin: 'a' }, { on: n % 2 === 0 }, BY);
    }
    await first.pass(SECOND);
    await first.pass(SECOND);
    await first.engine.rebuildProjection('seen');
    await first.pass(SECOND);
    await first.engine[Symbol.asyncDispose]();
    const [memory, store] = [turns.slice(0, turns.length / 2), turns.slice(turns.length / 2)];
    expect(store.length).toBe(memory.length);
    const plain = (all: typeof turns) => all.map(({ turn }) => JSON.parse(JSON.stringify(turn)));
    expect(plain(store)).toEqual(plain(memory));
  });
});

describe('projections', () => {
  test.each([
    [[turnsSeen({ name: 'A b' })], 'is no name'],
    [[turnsSeen(), turnsSeen()], 'two projections'],
    [[turnsSeen({ version: 0 })], 'is no version'],
  ])('that are none are refused', async (projections, message) => {
    await expect(startEngine({ kinds: [lamp], projections })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
    });
  });

  test('that nobody has are not rebuilt, nor one that is being built', async () => {
    const storage = flaky(await openSqlite(':memory:', CONTRACT_OPTIONS));
    await using _held = storage;
    await using bench = await startEngine({ kinds: [lamp], storage, projections: [turnsSeen()] });
    await bench.engine.idle();
    await expect(bench.engine.rebuildProjection('none')).rejects.toMatchObject({
      ...{ code: 'not-found', hint: 'There are: seen.' },
    });
    storage.fail.set('switchGeneration', storeAway);
    await bench.engine.rebuildProjection('seen');
    await expect(bench.engine.rebuildProjection('seen')).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('keep the journal that they have still to read', async () => {
    const storage = flaky(await openSqlite(':memory:', CONTRACT_OPTIONS));
    await using _held = storage;
    await using bench = await startEngine({ kinds: [lamp], storage, projections: [turnsSeen()] });
    storage.fail.set('project', storeAway);
    await report(bench, 'a');
    const old = 100 * 24 * 3_600 * SECOND;
    bench.clock.advance(old);
    await bench.engine.idle();
    const left = async () =>
      (await storage.readJournal({ home: 'h1', twin: 'a' }, 0, 10)).map(({ revision }) => revision);
    await bench.pass(3_600 * SECOND);
    expect(await left()).toEqual([0, 1]);
    storage.fail.clear();
    await bench.pass(3_600 * SECOND);
    await bench.pass(3_600 * SECOND);
    expect(await left()).toEqual([]);
    expect(await readAll(bench)).toMatchObject({ twins: { a: upTo(1) } });
  });

  test('refuse values that are changed in place, that are no JSON, or too large', async () => {
    const values: unknown[] = [undefined, Number.NaN, 'x'.repeat(70_000)];
    await using bench = await startEngine({
      kinds: [lamp],
      projections: [
        turnsSeen({ apply: (_value, turn) => values[turn.revision] as never }),
        turnsSeen({
          name: 'mutable',
          apply(value, turn) {
            const list = (value as number[] | null) ?? [];
            list.push(turn.revision);
            return list;
          },
        }),
        turnsSeen({ name: 'keys', keysOf: () => Array(17).fill({ of: 'twin', key: 'k' }) }),
        turnsSeen({ name: 'key', keysOf: () => [{ of: 'twin', key: 'k'.repeat(201) }] }),
      ],
    });
    for (let n = 0; n < 3; n++) await report(bench, 'a');
    await bench.pass(SECOND);
    const skipped = (await bench.engine.listProjections()).map((one) => [one.name, one.skipped]);
    expect(skipped).toEqual([
      ['key', 4],
      ['keys', 4],
      ['mutable', 3],
      ['seen', 4],
    ]);
  });

  test('apply once an interval, though something comes with each run', async () => {
    const storage = await openSqlite(':memory:', CONTRACT_OPTIONS);
    await using _held = storage;
    let more = 0;
    let runs = 0;
    let bench: EngineBench | null = null;
    const busy: Storage = {
      ...storage,
      async project(step) {
        runs++;
        if (bench && more-- > 0) await report(bench, 'a');
        return await storage.project(step);
      },
    };
    await using started = await startEngine({
      ...{ kinds: [lamp], storage: busy, projections: [turnsSeen()] },
    });
    bench = started;
    await bench.engine.idle();
    await report(bench, 'a');
    more = 3;
    for (const run of [1, 2, 3, 4]) {
      await bench.pass(SECOND);
      expect(runs).toBe(run);
    }
    expect(await readAll(bench)).toMatchObject({ twins: { a: upTo(4) } });
  });

  test('have what comes while a run ends no later than its interval', async () => {
    const storage = await openSqlite(':memory:', CONTRACT_OPTIONS);
    await using _held = storage;
    let release = () => {};
    let reached = () => {};
    /** Rounds of a run until one is held: it has begun by then, and looks for nothing that comes later. */
    let rounds = Number.POSITIVE_INFINITY;
    const slow: Storage = {
      ...storage,
      async dropGenerations(limit) {
        if (--rounds === 0) {
          reached();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        return await storage.dropGenerations(limit);
      },
    };
    await using bench = await startEngine({
      ...{ kinds: [lamp], storage: slow, projections: [turnsSeen()] },
    });
    await bench.engine.idle();
    await report(bench, 'a');
    // It applies the report, then sees that there is no more
    rounds = 2;
    const last = new Promise<void>((resolve) => {
      reached = resolve;
    });
    bench.clock.advance(SECOND);
    await last;
    await report(bench, 'a');
    bench.clock.advance(SECOND);
    release();
    await bench.engine.idle();
    expect(await readAll(bench)).toMatchObject({ twins: { a: upTo(2) } });
  });

  test('hold up no event, and are held up by none that is being stored', async () => {
    const storage = await openSqlite(':memory:', CONTRACT_OPTIONS);
    await using _held = storage;
    let release = () => {};
    let isHeld = false;
    const slow: Storage = {
      ...storage,
      async commit(commit) {
        if (isHeld && commit.journal.some(({ twin }) => twin === 'slow')) {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        await storage.commit(commit);
      },
      shards: 2,
    };
    await using bench = await startEngine({
      kinds: [lamp],
      storage: slow,
      projections: [turnsSeen()],
    });
    // Homes of two shards, thus of two writers
    await report(bench, 'slow', 'h1');
    await report(bench, 'fast', 'h2');
    await bench.pass(SECOND);
    isHeld = true;
    const late = report(bench, 'slow', 'h1');
    await report(bench, 'fast', 'h2');
    bench.clock.advance(SECOND);
    await new Promise((resolve) => setImmediate(resolve));
    const { count } = await readAll(bench, 'seen', 'h2');
    release();
    await late;
    // What is above a commit that is under way waits for it
    expect(count).toBe(2);
    await bench.pass(2 * SECOND);
    expect(await readAll(bench, 'seen', 'h2')).toEqual({ count: 3, twins: { fast: upTo(2) } });
    expect(await readAll(bench)).toEqual({ count: 3, twins: { slow: upTo(2) } });
  });
});
