import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from '../kernel/define-kind.ts';
import { command, type Effect } from '../kind.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { EventsOf } from '../model/kind.ts';
import type { Claim } from '../model/lease.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import { teller } from '../testing/teller.ts';
import { SoloTwin } from './solo-twin.ts';

const events = {
  telemetry: z.object({ open: z.number() }),
  'desired.changed': z.object({
    open: z.number().nullable().optional(),
    mode: z.string().optional(),
  }),
};
const commands = {
  move: command({ args: z.object({ open: z.number() }), expect: ({ open }) => ({ open }) }),
  beep: command({ args: z.object({}) }),
};
type Context = { reported: { open?: number }; desired: { open?: number; mode?: string } };

/** What is turned at it by hand is what is wanted of it. */
const valve = defineKind({
  kind: 'valve',
  version: 1,
  description: 'Opens.',
  events,
  commands,
  measurements: {},
  machine: setup({
    types: {} as {
      context: Context;
      events: EventsOf<typeof events>;
      emitted: Effect<typeof commands>;
    },
  }).createMachine({
    context: { reported: {}, desired: {} },
    on: {
      telemetry: {
        actions: assign({
          reported: ({ event }) => ({ open: event.open }),
          desired: ({ context, event }) => ({ ...context.desired, open: event.open }),
        }),
      },
      'desired.changed': {
        actions: assign({
          desired: ({ context, event }) => {
            const { open: _open, ...rest } = context.desired;
            return {
              ...rest,
              ...(event.mode !== undefined && { mode: event.mode }),
              ...((event.open ?? undefined) !== undefined
                ? { open: event.open as number }
                : event.open === undefined && context.desired.open !== undefined
                  ? { open: context.desired.open }
                  : {}),
            };
          },
        }),
      },
    },
  }),
  view: ({ reported, desired }) => ({ reported, desired, settings: {} }),
});

const MINUTE = 60_000;

/** A valve, and what those who want something of it are told. */
function install() {
  const told: JsonObject[] = [];
  const twin = new SoloTwin(
    valve,
    { home: 'h', twin: 'valve', timezone: 'UTC', now: 0, room: null },
    ({ followUps }) =>
      told.push(...followUps.map(({ to, event }) => ({ to, ...event }) as JsonObject)),
  );
  return {
    twin,
    told,
    want: (who: string, desired: object, claim?: Claim) =>
      twin.send({ ...desired, type: 'desired.changed' }, { ...by(who), ...(claim && { claim }) }),
    release: (who: string) => twin.send({ type: 'desired.released' }, by(who)),
    desired: () => twin.twin.view.desired as { open?: number; mode?: string },
    pass: (ms: number) => twin.advanceTo(twin.now + ms),
  };
}
const by = (who: string) => (who === 'ada' ? { source: 'rest' } : { source: `h/${who}` });
const hold = (priority: number, minutes = 10): Claim => ({ priority, holdMs: minutes * MINUTE });

describe('who holds a key of what is desired', () => {
  test('keeps off others of the same and of lower priority, who are told', () => {
    const { want, desired, told, twin } = install();
    want('frost', { open: 20 }, hold(10));
    want('comfort', { open: 80, mode: 'eco' });
    expect(desired()).toEqual({ open: 20, mode: 'eco' });
    expect(told).toEqual([
      {
        ...{ to: 'comfort', type: 'desired.overruled', twin: 'valve', keys: ['open'] },
        ...{ by: 'h/frost', until: 10 * MINUTE, wish: expect.any(String) },
      },
    ]);
    want('other', { open: 5 }, { priority: 10 });
    expect(desired()).toMatchObject({ open: 20 });
    expect(twin.twin.state.leases).toMatchObject({ open: { leases: [{ holder: 'h/frost' }] } });
  });

  test('gives way after its time to what was wanted beneath', () => {
    const { want, desired, pass, twin } = install();
    want('comfort', { open: 50 });
    want('frost', { open: 20 }, hold(10));
    want('comfort', { open: 80 });
    pass(10 * MINUTE - 1);
    expect(desired()).toEqual({ open: 20 });
    pass(1);
    expect(desired()).toEqual({ open: 80 });
    expect(twin.twin.state.leases).toBeUndefined();
  });

  test('gives way to nothing where nothing was wanted', () => {
    const { want, desired, pass } = install();
    want('frost', { open: 20 }, hold(10));
    pass(10 * MINUTE);
    expect(desired()).toEqual({});
  });

  test('may let go before', () => {
    const { want, release, desired } = install();
    want('comfort', { open: 50 });
    want('frost', { open: 20 }, hold(10));
    expect(release('comfort')).toMatchObject({ status: 'ignored' });
    release('frost');
    expect(desired()).toEqual({ open: 50 });
  });

  test('is covered by a stronger one for its time, and counts again after', () => {
    const { want, desired, pass, told } = install();
    want('weak', { open: 1 }, hold(10, 60));
    want('strong', { open: 2 }, hold(20, 5));
    expect(desired()).toEqual({ open: 2 });
    expect(told).toMatchObject([{ to: 'weak', by: 'h/strong', until: 5 * MINUTE }]);
    pass(5 * MINUTE);
    expect(desired()).toEqual({ open: 1 });
    pass(60 * MINUTE);
    expect(desired()).toEqual({});
  });

  test('has lost it for good to what is set by somebody stronger', () => {
    const { want, desired, pass, told } = install();
    want('rule', { open: 1 }, hold(49));
    want('ada', { open: 7 });
    expect(desired()).toEqual({ open: 7 });
    expect(told).toMatchObject([{ to: 'rule', keys: ['open'], until: null }]);
    expect(told[0]).not.toHaveProperty('wish');
    pass(60 * MINUTE);
    expect(desired()).toEqual({ open: 7 });
  });

  test('is not got the better of at the device: what a hand changes is changed back', () => {
    const { want, desired, twin, pass } = install();
    want('safety', { open: 0 }, hold(90));
    twin.send({ type: 'telemetry', open: 30 });
    expect(twin.twin.view.reported).toEqual({ open: 30 });
    expect(desired()).toEqual({ open: 0 });
    pass(10 * MINUTE);
    expect(desired()).toEqual({ open: 30 });
  });

  test('loses it to a hand at the device where people come first', () => {
    const { want, desired, twin, told } = install();
    want('comfort', { open: 60 }, hold(10));
    twin.send({ type: 'telemetry', open: 30 });
    expect(desired()).toEqual({ open: 30 });
    expect(told).toMatchObject([{ to: 'comfort', by: 'test', until: null }]);
  });

  test('keeps commands off that would change it, and no others', () => {
    const { want, twin } = install();
    want('frost', { open: 20 }, hold(10));
    const ask = (name: string, args: JsonObject, who: string) =>
      twin.send({ type: 'command.requested', name, args }, by(who));
    const refused = ask('move', { open: 99 }, 'comfort');
    expect(refused).toMatchObject({
      deliveries: [],
      intents: [{ status: 'failed', error: expect.stringContaining('h/frost holds "open"') }],
    });
    ask('beep', {}, 'comfort');
    ask('move', { open: 98 }, 'frost');
    ask('move', { open: 99 }, 'ada');
    expect(twin.twin.state.pending.map(({ name, args }) => ({ name, args }))).toEqual([
      { name: 'beep', args: {} },
      { name: 'move', args: { open: 99 } },
    ]);
  });
});

describe('of several who want something at the same occasion', () => {
  for (const order of [
    ['strong', 'weak'],
    ['weak', 'strong'],
  ]) {
    test(`the strongest prevails, for good: ${order.join(', then ')}`, () => {
      const { want, desired, told, pass } = install();
      for (const who of order) {
        want(who, { open: who === 'strong' ? 1 : 2 }, { priority: who === 'strong' ? 80 : 5 });
      }
      expect(desired()).toEqual({ open: 1 });
      expect(told.map(({ to }) => to)).toEqual(['weak']);
      pass(MINUTE);
      expect(desired()).toEqual({ open: 1 });
      // Another occasion
      want('weak', { open: 2 }, { priority: 5 });
      expect(desired()).toEqual({ open: 2 });
    });
  }

  test('the last prevails among equals', () => {
    const { want, desired, told } = install();
    want('one', { open: 1 }, { priority: 50 });
    want('two', { open: 2 }, { priority: 50 });
    expect(desired()).toEqual({ open: 2 });
    expect(told.map(({ to }) => to)).toEqual(['one']);
  });
});

test('whatever is wanted, held and released: the strongest lease counts, and replay agrees', async () => {
  const who = fc.constantFrom('a', 'b', 'c', 'ada');
  const step = fc.oneof(
    fc.record({
      type: fc.constant('want' as const),
      who,
      desired: fc.record({ on: fc.boolean() }),
      priority: fc.integer({ min: 0, max: 60 }),
      holdMs: fc.option(fc.integer({ min: 1_000, max: 100_000 }), { nil: undefined }),
    }),
    fc.record({ type: fc.constant('release' as const), who }),
    fc.record({ type: fc.constant('report' as const), on: fc.boolean() }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using bench = await startEngine({ kinds: [lamp, teller] });
      const address = { home: 'h1', twin: 'l' };
      const ada = { principal: 'ada', source: 'rest' };
      await bench.send('l', { type: 'telemetry' });
      await bench.engine.desire(address, { on: false }, ada);
      const tell = (who: string, what: JsonObject, claim?: Claim) =>
        bench.send(
          who,
          { type: 'say', to: 'l', what, ...(claim && { claim: claim as unknown as JsonObject }) },
          { kind: 'teller' },
        );
      for (const one of steps) {
        if (one.type === 'pass') await bench.pass(one.ms);
        else if (one.type === 'report') await bench.send('l', { type: 'telemetry', on: one.on });
        else if (one.type === 'release')
          await (one.who === 'ada'
            ? bench.engine.release(address, ada)
            : tell(one.who, { type: 'desired.released' }));
        else {
          const { priority, holdMs, desired } = one;
          const claim = { priority, ...(holdMs !== undefined && { holdMs }) };
          await (one.who === 'ada'
            ? bench.engine.desire(address, desired, ada, holdMs)
            : tell(one.who, { ...desired, type: 'desired.changed' }, claim));
        }
        const reading = await bench.engine.readTwin(address);
        const held = reading?.row.state.leases?.on?.leases.filter(({ final }) => !final) ?? [];
        expect(held.map(({ priority }) => priority)).toEqual(
          held.map(({ priority }) => priority).toSorted((x, y) => y - x),
        );
        for (const { until } of held) expect(until).toBeGreaterThan(bench.clock.now());
        if (held[0]) expect(reading?.view.desired.on as Json).toBe(held[0].value);
      }
      expect(await bench.engine.replay(address)).toMatchObject({ ok: true });
    }),
    { numRuns: 60 },
  );
});
