import { describe, expect, test } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from '../kernel/define-kind.ts';
import type { Effect, Watch } from '../kind.ts';
import type { EventsOf } from '../model/kind.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { idLike } from '../testing/ids.ts';
import { lamp } from '../testing/lamp.ts';
import { HomeObservers } from './observers.ts';

const watch = z.union([
  z.object({ twin: z.string() }),
  z.object({ room: z.string() }),
  z.object({ kind: z.string() }),
  z.object({ everyone: z.literal(true) }),
]);
const events = {
  watch: z.object({ whom: z.array(watch) }),
  noticed: z.object({ twin: z.string(), on: z.boolean().nullable(), was: z.boolean().nullable() }),
  ask: z.object({ delayMs: z.number() }),
  asked: z.object({}),
};

type Context = { whom: Watch[]; noticed: string[]; power: number | null };

/** Notices who is switched, tells the lamp "mirror" the same, and knows the power of "meter". */
const watcher = defineKind({
  kind: 'watcher',
  version: 1,
  description: 'Watches.',
  events,
  commands: {},
  measurements: {},
  machine: setup({
    types: {} as { context: Context; events: EventsOf<typeof events>; emitted: Effect },
    actions: {
      know: assign({
        power: ({ event }) => (event.facts?.meter?.reported as { power?: number })?.power ?? null,
      }),
    },
  }).createMachine({
    context: { whom: [], noticed: [], power: null },
    on: {
      watch: { actions: assign({ whom: ({ event }) => event.whom }) },
      noticed: {
        actions: [
          'know',
          assign({
            noticed: ({ context, event }) => [
              ...context.noticed,
              `${event.twin} ${event.was} ${event.on}`,
            ],
          }),
          emit(({ event }) => ({
            type: 'tell',
            to: 'mirror',
            event: { type: 'command.requested', name: 'switch', args: { on: event.on ?? false } },
            ref: 'mirrored',
          })),
        ],
      },
      ask: {
        actions: emit(({ event }) => ({
          type: 'schedule',
          id: 'ask',
          at: event.at + event.delayMs,
          event: { type: 'asked' },
        })),
      },
      asked: { actions: 'know' },
    },
  }),
  view: ({ whom, noticed, power }) => ({
    reported: { noticed, power },
    desired: {},
    settings: { whom },
  }),
  watches: ({ whom }) => whom,
  reads: () => [{ twin: 'meter', path: ['reported', 'power'] }],
  onObserved(_context, { twin, before, after }) {
    const was = (before?.reported.on ?? null) as boolean | null;
    const on = (after.reported.on ?? null) as boolean | null;
    if (twin === 'mirror' || was === on) return null;
    if (twin === 'broken') throw new Error('does not know what to make of it');
    return { type: 'noticed', twin, on, was };
  },
});

async function start(whom: Watch[] = [{ twin: 'lamp' }], more: object = {}) {
  const bench = await startEngine({ kinds: [lamp, watcher], ...more });
  await bench.send('w', { type: 'watch', whom }, { kind: 'watcher' });
  return bench;
}

const on = (value: boolean) => ({ type: 'telemetry', on: value });

describe('a watcher', () => {
  test('hears of what concerns it, in the same batch, with what it reads', async () => {
    await using bench = await start();
    const h1 = (twin: string) => ({ home: 'h1', twin });
    await bench.send('meter', { type: 'telemetry', power: 5 });
    await bench.send('mirror', on(false));
    await Promise.all([
      bench.send('lamp', on(true)),
      bench.send('meter', { type: 'telemetry', power: 9 }),
      bench.send('lamp', on(false)),
    ]);
    const reading = await bench.engine.readTwin(h1('w'));
    expect(reading?.view.reported).toEqual({
      noticed: ['lamp null true', 'lamp true false'],
      power: 9,
    });
    const { items } = await bench.storage.listJournal(h1('w'), { limit: 2 });
    expect(items).toMatchObject([
      { event: { type: 'noticed', on: false, facts: { meter: { reported: { power: 9 } } } } },
      {
        event: { type: 'noticed', on: true, facts: { meter: { reported: { power: 5 } } } },
        eventId: idLike('h1/lamp@1>w'),
        source: 'h1/lamp',
        correlation: 'sent-4',
      },
    ]);
    expect(await bench.engine.replay(h1('w'))).toMatchObject({ ok: true });
  });

  test('asks for commands of which it is the cause', async () => {
    await using bench = await start();
    await bench.send('mirror', on(false));
    await bench.send('lamp', on(true));
    const { items } = await bench.engine.listIntents('h1', {}, { limit: 10 });
    expect(items).toMatchObject([
      { twin: 'mirror', name: 'switch', args: { on: true }, cause: idLike('h1/w@2#0~mirrored') },
    ]);
  });

  test('has no turn where a change does not concern it', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', power: 1 });
    await bench.send('other', on(true));
    expect((await bench.engine.readTwin({ home: 'h1', twin: 'w' }))?.row.revision).toBe(1);
  });

  test('knows what it reads when its timers fire', async () => {
    await using bench = await start();
    await bench.send('meter', { type: 'telemetry', power: 3 });
    await bench.send('w', { type: 'ask', delayMs: 60_000 });
    await bench.send('meter', { type: 'telemetry', power: 4 });
    await bench.pass(60_000);
    const address = { home: 'h1', twin: 'w' };
    expect((await bench.engine.readTwin(address))?.view.reported.power).toBe(4);
    expect(await bench.engine.replay(address)).toMatchObject({ ok: true });
  });

  test.each<[string, Watch[], string[]]>([
    ['one twin', [{ twin: 'a' }], ['a']],
    ['all of a kind', [{ kind: 'lamp' }], ['a', 'b', 'c']],
    ['all in a room', [{ room: 'hall' }], ['b']],
    ['everyone', [{ everyone: true }], ['a', 'b', 'c']],
    [
      'several, each change once',
      [{ twin: 'b' }, { room: 'hall' }, { kind: 'lamp' }],
      ['a', 'b', 'c'],
    ],
    ['nobody', [], []],
  ])('watches %s', async (_what, whom, heard) => {
    await using bench = await start();
    const { engine } = bench;
    const by = { principal: 'admin', source: 'rest' };
    await bench.send('a', { type: 'telemetry', power: 1 });
    await bench.send('w', { type: 'watch', whom });
    // `hall` has no members yet that it could tell, so any twin will do for a room
    await bench.send('b', { type: 'telemetry', power: 0 });
    await bench.engine.tell({
      ...{ home: 'h1', twin: 'b', id: 'move-b', dedupe: false, at: bench.clock.now() },
      ...{ principal: by.principal, ifUnknown: 'reject' },
      event: { type: 'twin.changed', room: 'hall' },
    });
    for (const twin of ['a', 'b', 'c']) await bench.send(twin, on(true));
    const reading = await engine.readTwin({ home: 'h1', twin: 'w' });
    const noticed = z
      .array(z.string())
      .parse(reading?.view.reported.noticed)
      .map((text) => text.split(' ')[0]);
    expect(noticed).toEqual(heard);
  });

  test('is still one after a restart, and when it was not in memory', async () => {
    const first = await start();
    const { storage, clock } = first;
    await first.engine[Symbol.asyncDispose]();
    await using bench = await startEngine({
      kinds: [lamp, watcher],
      storage,
      clock,
      limits: { hotTwins: 1 },
    });
    await bench.send('x', on(true));
    await bench.send('lamp', on(true));
    await bench.send('x', on(false));
    await bench.send('lamp', on(false));
    const reading = await bench.engine.readTwin({ home: 'h1', twin: 'w' });
    expect(reading?.view.reported.noticed).toEqual(['lamp null true', 'lamp true false']);
  });

  test('that fails leaves a dead letter and the twin that it watched alone', async () => {
    await using bench = await start([{ everyone: true }]);
    const receipt = await bench.send('broken', on(true));
    expect(receipt).toMatchObject({ status: 'accepted', revision: 1 });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([
      { twin: 'w', code: 'machine-failed', error: 'does not know what to make of it' },
    ]);
  });

  test('that is deleted hears nothing more', async () => {
    await using bench = await start();
    await bench.engine.deleteTwin(
      { home: 'h1', twin: 'w' },
      { principal: 'admin', source: 'rest' },
    );
    expect(await bench.send('lamp', on(true))).toMatchObject({ status: 'accepted' });
    expect(await bench.storage.listRelations(['h1'], 'watches')).toEqual([]);
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toEqual([]);
  });
});

test('an index of a home changes with its watchers', () => {
  const twin = { twin: 'a', kind: 'lamp', room: null };
  const both = HomeObservers.none.with('w2', ['twin:a', '*']).with('w1', ['kind:lamp']);
  expect(both.of(twin)).toEqual(['w1', 'w2']);
  expect(both.with('w2', []).of(twin)).toEqual(['w1']);
  expect(both.with('w2', []).with('w1', [])).toBe(HomeObservers.none);
  expect(HomeObservers.none.of(twin)).toEqual([]);
});
