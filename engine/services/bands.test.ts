import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineKind } from '../kernel/define-kind.ts';
import { pastOf } from '../log/past.ts';
import type { Json } from '../model/json.ts';
import { labelOf } from '../model/labels.ts';
import type { LoadedTwin } from '../model/rows.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import { type Band, type BandPath, parseBandPath, readBands } from './bands.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LAMP = { home: 'h1', twin: 'lamp' };
const ON: BandPath = { of: 'reported', key: 'on' };
const STATE: BandPath = { of: 'state', states: [] };

const start = (checkpointEvery = 500) =>
  startEngine({ kinds: [lamp], limits: { checkpointEvery } });

/** Bands with their moments in minutes since a moment. */
const inMinutes = (bands: readonly Band[], since: number) =>
  bands.map(({ value, from, to }) => [value, (from - since) / MINUTE, (to - since) / MINUTE]);

/** The same from each turn folded again: what the twin was, whatever made it so. */
async function foldedBands(
  { storage, engine }: EngineBench,
  valueIn: (turned: LoadedTwin & { view: { reported: object } }) => Json,
  span: { from: number; to: number },
): Promise<Band[]> {
  const bands: Band[] = [];
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { row, turned } of pastOf({ storage, kinds: engine.kinds }, LAMP, all)) {
    const value = valueIn(turned.twin);
    const last = bands.at(-1);
    if (last && last.value === value) continue;
    if (last) last.to = row.receivedAt;
    bands.push({ value, from: row.receivedAt, to: span.to });
  }
  return bands
    .map((band) => ({
      value: band.value,
      from: Math.max(band.from, span.from),
      to: Math.min(band.to, span.to),
    }))
    .filter(({ from, to }) => from < to);
}

describe('bands', () => {
  test('tell when something was on, whoever switched it', async () => {
    await using bench = await start();
    const t0 = bench.clock.now();
    await bench.send('lamp', { type: 'settings.changed', autoOffMs: 5 * MINUTE });
    await bench.pass(MINUTE);
    await bench.send('lamp', { type: 'telemetry', on: true, power: 7 });
    await bench.pass(2 * MINUTE);
    await bench.send('lamp', { type: 'telemetry', power: 8 });
    // A timer of its own switches it off, and no event carries that
    await bench.pass(3 * MINUTE);
    await bench.pass(MINUTE);
    const span = { from: t0, to: t0 + 7 * MINUTE };
    const { bands, truncated } = await bench.engine.bands(LAMP, ON, span);
    expect(inMinutes(bands, t0)).toEqual([
      [null, 0, 1],
      [true, 1, 6],
      [false, 6, 7],
    ]);
    expect(truncated).toBe(false);
    const states = await bench.engine.bands(LAMP, STATE, span);
    expect(inMinutes(states.bands, t0)).toEqual([
      ['off', 0, 1],
      ['on', 1, 6],
      ['off', 6, 7],
    ]);
    const node: BandPath = { of: 'state', states: ['on'] };
    expect((await bench.engine.bands(LAMP, node, span)).bands).toMatchObject([
      { value: null },
      { value: true },
      { value: null },
    ]);
  });

  test('are those that folding each turn again gives, over any span and with any checkpoints', async () => {
    const step = fc.oneof(
      fc.record({ on: fc.boolean() }),
      fc.record({ power: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ autoOffMs: fc.constantFrom(null, MINUTE, 7 * MINUTE) }),
    );
    const life = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 9 })), { maxLength: 30 });
    const moment = fc.integer({ min: 0, max: 99 });
    await fc.assert(
      fc.asyncProperty(
        life,
        fc.integer({ min: 1, max: 9 }),
        moment,
        moment,
        async (steps, every, a, b) => {
          await using bench = await start(every);
          const t0 = bench.clock.now();
          await bench.send('lamp', { type: 'telemetry' });
          for (const [said, minutes] of steps) {
            const type = 'autoOffMs' in said ? 'settings.changed' : 'telemetry';
            await bench.send('lamp', { type, ...said });
            await bench.pass(minutes * MINUTE);
          }
          const from = t0 + Math.min(a, b) * MINUTE;
          const span = { from, to: Math.min(t0 + Math.max(a, b) * MINUTE, bench.clock.now() + 1) };
          if (span.from >= span.to) return;
          const { bands } = await bench.engine.bands(LAMP, ON, span);
          expect(bands).toEqual(
            await foldedBands(
              bench,
              ({ view }) => labelOf((view.reported as { on?: boolean }).on),
              span,
            ),
          );
          const states = await bench.engine.bands(LAMP, STATE, span);
          expect(states.bands).toEqual(
            await foldedBands(bench, ({ state }) => state.value as Json, span),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('count what a device has kept from when it happened, and after a day from when it came', async () => {
    await using bench = await start();
    const t0 = bench.clock.now();
    await bench.send('lamp', { type: 'telemetry', on: false });
    await bench.pass(60 * MINUTE);
    await bench.send('lamp', { type: 'telemetry', on: true }, { at: t0 + 10 * MINUTE });
    await bench.send('lamp', { type: 'telemetry', on: false }, { at: t0 + 30 * MINUTE });
    const span = { from: t0, to: t0 + 60 * MINUTE };
    const { bands } = await bench.engine.bands(LAMP, ON, span);
    expect(inMinutes(bands, t0)).toEqual([
      [false, 0, 10],
      [true, 10, 30],
      [false, 30, 60],
    ]);
    bench.clock.advance(2 * DAY);
    await bench.send('lamp', { type: 'telemetry', on: true }, { at: t0 + 70 * MINUTE });
    const later = await bench.engine.bands(LAMP, ON, { from: t0, to: bench.clock.now() + 1 });
    expect(later.bands.at(-1)).toMatchObject({ value: true, from: t0 + 2 * DAY + 60 * MINUTE });
  });

  test('end now, and there are none of what is to come', async () => {
    await using bench = await start();
    const t0 = bench.clock.now();
    await bench.send('lamp', { type: 'telemetry', on: true });
    const { bands, to } = await bench.engine.bands(LAMP, ON, { from: 0, to: t0 + DAY });
    expect(bands).toEqual([{ value: true, from: t0, to: t0 + 1 }]);
    expect(to).toBe(t0 + 1);
    const future = { from: t0 + DAY, to: t0 + 2 * DAY };
    expect(await bench.engine.bands(LAMP, ON, future)).toMatchObject({ bands: [] });
  });

  test('that are too many for one answer go on where it ends', async () => {
    await using bench = await start();
    const t0 = bench.clock.now();
    for (let n = 0; n < 9; n++) {
      await bench.send('lamp', { type: 'telemetry', on: n % 2 === 0 });
      await bench.pass(MINUTE);
    }
    const to = bench.clock.now();
    const all: Band[] = [];
    let from = t0;
    let answers = 0;
    for (let more = true; more; answers++) {
      const answer = await bench.engine.bands(LAMP, ON, { from, to }, 4);
      all.push(...answer.bands);
      from = answer.to;
      more = answer.truncated;
    }
    expect(answers).toBe(3);
    expect(all).toEqual((await bench.engine.bands(LAMP, ON, { from: t0, to })).bands);
  });

  test('look at so many turns at most, and let everyone else have the process meanwhile', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', on: true });
    const t0 = bench.clock.now();
    let given = 0;
    const storage = {
      ...bench.storage,
      // A twin that changes its state each millisecond, for ever
      readChanges: async (_: unknown, from: number, limit: number) =>
        Array.from({ length: limit }, (_, n) => {
          given++;
          const at = t0 + from + n;
          return { revision: from + n, at, receivedAt: at, state: n % 2, reported: null };
        }),
    };
    const twin = (await bench.storage.getTwin(LAMP)) as LoadedTwin;
    let others = 0;
    let isOver = false;
    const kinds = bench.engine.kinds;
    const span = { from: t0, to: t0 + DAY };
    const reading = readBands({ storage, kinds }, twin, { path: ON, ...span }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      others++;
    }
    expect(await reading).toMatchObject({ to: t0 + 19_999, truncated: true });
    expect(given).toBe(20_000);
    expect(others).toBeGreaterThan(10);
  });

  test('end where a value is told to be none', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', on: true });
    const t0 = bench.clock.now();
    const told = ['E5', null, undefined, 'E7', null];
    const storage = {
      ...bench.storage,
      readChanges: async () =>
        told.map((fault, n) => {
          const at = t0 + n * MINUTE;
          const reported = fault === undefined ? null : { fault };
          return { revision: n, at, receivedAt: at, state: null, reported };
        }),
    };
    const twin = (await bench.storage.getTwin(LAMP)) as LoadedTwin;
    const path: BandPath = { of: 'reported', key: 'fault' };
    const span = { from: t0, to: t0 + 5 * MINUTE };
    const { bands } = await readBands({ storage, kinds: bench.engine.kinds }, twin, {
      path,
      ...span,
    });
    expect(inMinutes(bands, t0)).toEqual([
      ['E5', 0, 1],
      [null, 1, 3],
      ['E7', 3, 4],
      [null, 4, 5],
    ]);
  });

  test('say nothing of a time that the journal does not reach back to', async () => {
    await using bench = await start(3);
    const t0 = bench.clock.now();
    for (let n = 0; n < 9; n++) {
      await bench.send('lamp', { type: 'telemetry', on: n === 6 });
      await bench.pass(10 * MINUTE);
    }
    const cut = {
      ...bench.storage,
      // Revision 7, 6 reports after the creation, is the first that is kept
      readJournal: async (
        ...[address, from, limit]: Parameters<typeof bench.storage.readJournal>
      ) => bench.storage.readJournal(address, Math.max(7, from), limit),
      readChanges: async (
        ...[address, from, limit]: Parameters<typeof bench.storage.readChanges>
      ) => bench.storage.readChanges(address, Math.max(7, from), limit),
    };
    const twin = (await bench.storage.getTwin(LAMP)) as LoadedTwin;
    const read = async (minutes: number) => {
      const span = { from: t0 + minutes * MINUTE, to: bench.clock.now() };
      const parts = { storage: cut, kinds: bench.engine.kinds };
      return inMinutes((await readBands(parts, twin, { path: ON, ...span })).bands, t0);
    };
    const known = [
      [true, 60, 70],
      [false, 70, 90],
    ];
    expect(await read(0)).toEqual(known);
    expect(await read(45)).toEqual(known);
  });

  test('of labels begin where turns began to say them', async () => {
    await using bench = await start(2);
    const t0 = bench.clock.now();
    for (let n = 0; n < 9; n++) {
      await bench.send('lamp', { type: 'telemetry', on: n === 7 });
      await bench.pass(10 * MINUTE);
    }
    const since = t0 + 45 * MINUTE;
    const former = {
      ...bench.storage,
      labelsSince: async () => since,
      readChanges: async (...given: Parameters<typeof bench.storage.readChanges>) =>
        (await bench.storage.readChanges(...given)).map((row) =>
          row.receivedAt > since ? row : { ...row, reported: null },
        ),
    };
    const twin = (await bench.storage.getTwin(LAMP)) as LoadedTwin;
    const read = async (path: BandPath, minutes: number) => {
      const span = { from: t0 + minutes * MINUTE, to: bench.clock.now() };
      const parts = { storage: former, kinds: bench.engine.kinds };
      return inMinutes((await readBands(parts, twin, { path, ...span })).bands, t0);
    };
    // A checkpoint from before does not know what came between it and then
    expect(await read(ON, 47)).toEqual([
      [true, 70, 80],
      [false, 80, 90],
    ]);
    expect(await read(ON, 68)).toEqual([
      [false, 68, 70],
      [true, 70, 80],
      [false, 80, 90],
    ]);
    expect(await read(STATE, 47)).toEqual([
      ['off', 47, 70],
      ['on', 70, 80],
      ['off', 80, 90],
    ]);
  });

  test('tell what a new version of the kind has made of the twin', async () => {
    await using bench = await start();
    const t0 = bench.clock.now();
    await bench.send('lamp', { type: 'telemetry', on: true });
    await bench.pass(10 * MINUTE);
    await bench.engine[Symbol.asyncDispose]();
    const next = defineKind({
      ...lamp,
      version: 2,
      migrate: ({ context, ...stored }) => ({
        ...stored,
        value: 'off',
        context: { ...context, reported: { on: false } },
      }),
    });
    const { storage, clock } = bench;
    await using second = await startEngine({ kinds: [next], storage, clock });
    await second.send('lamp', { type: 'telemetry', power: 1 });
    await second.pass(10 * MINUTE);
    const span = { from: t0, to: t0 + 20 * MINUTE };
    const { bands } = await second.engine.bands(LAMP, ON, span);
    expect(inMinutes(bands, t0)).toEqual([
      [true, 0, 10],
      [false, 10, 20],
    ]);
    const states = await second.engine.bands(LAMP, STATE, span);
    expect(inMinutes(states.bands, t0)).toEqual([
      ['on', 0, 10],
      ['off', 10, 20],
    ]);
  });

  test('of a twin whose kind is gone are those of its states, and of what it has said since', async () => {
    await using bench = await start(1);
    const t0 = bench.clock.now();
    await bench.send('lamp', { type: 'telemetry', on: true });
    await bench.pass(10 * MINUTE);
    const twin = (await bench.storage.getTwin(LAMP)) as LoadedTwin;
    const parts = { storage: bench.storage, kinds: new Map() };
    const span = { from: t0 + 8 * MINUTE, to: t0 + 9 * MINUTE };
    expect((await readBands(parts, twin, { path: ON, ...span })).bands).toEqual([]);
    const states = await readBands(parts, twin, { path: STATE, ...span });
    expect(states.bands).toEqual([{ value: 'on', ...span }]);
  });

  test('are of a twin that is there, over a span that begins before it ends', async () => {
    await using bench = await start();
    const bands = (from: number, to: number) => bench.engine.bands(LAMP, ON, { from, to });
    await expect(bands(1, 1)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(bands(1, 2)).rejects.toMatchObject({ code: 'unknown-twin' });
  });
});

test.each([
  ['state', { of: 'state', states: [] }],
  ['state.link', { of: 'state', states: ['link'] }],
  ['state.mode.heating', { of: 'state', states: ['mode', 'heating'] }],
  ['reported.on', { of: 'reported', key: 'on' }],
  ['reported.a.b', { of: 'reported', key: 'a.b' }],
  ['reported', null],
  ['reported.', null],
  ['state.', null],
  ['state..on', null],
  ['desired.on', null],
  ['', null],
])('the path %j is read', (text, path) => {
  expect(parseBandPath(text)).toEqual(path);
});
