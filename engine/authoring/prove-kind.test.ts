import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineKind, type EventsOf } from '../kind.ts';
import { gauge } from '../testing/gauge.ts';
import { lamp } from '../testing/lamp.ts';
import { Dice } from './dice.ts';
import { type Life, livesOf } from './life.ts';
import { madeUp, type Schema } from './made-up.ts';
import { proveKind } from './prove-kind.ts';

const events = { go: z.object({ n: z.number().optional() }), stop: z.object({}) };

/** A kind that remembers what it makes of `go`. */
function remembering(
  make: (before: unknown, n: number) => unknown,
  { schemas = events as object, isShown = true } = {},
) {
  return defineKind({
    kind: 'thing',
    version: 1,
    description: 'A thing.',
    events: schemas as typeof events,
    commands: {},
    measurements: {},
    machine: setup({
      types: {} as { context: { made: unknown }; events: EventsOf<typeof events> },
    }).createMachine({
      context: { made: null },
      on: {
        go: {
          actions: assign({
            made: ({ context, event }) =>
              event.type === 'go' ? make(context.made, event.n ?? 0) : context.made,
          }),
        },
      },
    }) as never,
    view: ({ made }: { made: never }) => ({
      reported: isShown ? { made } : {},
      desired: {},
      settings: {},
    }),
  });
}
const flawOf = (...[kind, options]: Parameters<typeof proveKind>) => {
  try {
    proveKind(kind, options);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a kind is proven', () => {
  it('when it keeps its promises', () => {
    for (const kind of [gauge, remembering((_before, n) => ({ n }))]) {
      expect(flawOf(kind, { lives: 20 })).toBeNull();
    }
  });

  it.each<[string, (before: unknown, n: number) => unknown, RegExp]>([
    [
      'looks at the clock',
      () => Date.now(),
      /is pure: .*\n {2}lived twice, context.made is \d+ and/,
    ],
    ['makes a Date of the clock', () => new Date().getDay(), /is pure/],
    [
      'throws dice',
      () => Math.random(),
      /is pure.*\n {2}lived twice, context.made is 0.1 and then 0.9/,
    ],
    ['shows what JSON leaves out', () => ({ gone: undefined }), /shows only JSON/],
    [
      'fails',
      (_before, n) => {
        if (n > 0) throw new Error('too much');
        return n;
      },
      /the machine of kind "thing" failed on event "go": too much/,
    ],
  ])('not when it %s', (_what, make, message) => {
    expect(flawOf(remembering(make), { lives: 30 })).toMatch(message);
  });

  it('not when it remembers what JSON cannot hold', () => {
    const make = (before: unknown) => (before instanceof Map ? 'a map' : new Map());
    expect(flawOf(remembering(make, { isShown: false }), { lives: 30 })).toMatch(
      /survives JSON at every step/,
    );
  });

  it('not, with the shortest life and the seed that shows it', () => {
    const impure = remembering(() => Math.random());
    const flaw = flawOf(impure, { seed: 7 });
    expect(flaw).toContain('seed 7');
    const life = JSON.parse(/in this life: (.*)$/.exec(flaw ?? '')?.[1] ?? '') as Life;
    expect(life).toMatchObject([{ type: 'event', event: { type: 'go' } }]);
    expect(flawOf(impure, { seed: 7 })).toBe(flaw);
  });

  it('leaves the clock and the dice as they were', () => {
    const before = [Date, Math.random];
    flawOf(remembering(() => Math.random()));
    expect([Date, Math.random]).toEqual(before);
  });

  it('asks for help with an event that it cannot make', () => {
    const odd = z.object({ n: z.number().refine((n) => n === 0.123456) });
    const kind = remembering((_before, n) => n, { schemas: { go: odd, stop: z.object({}) } });
    expect(flawOf(kind)).toMatch(/no event "go" of kind "thing" can be made at random/);
    const go = () => ({ type: 'go', n: 0.123456 });
    expect(flawOf(kind, { lives: 20, events: { go } })).toBeNull();
  });
});

describe('what is made at random', () => {
  it('is the same for the same seed, and different for another', () => {
    const lives = (seed: number) => {
      const dice = new Dice(seed);
      return Array.from({ length: 5 }, () => livesOf(lamp)(dice));
    };
    expect(lives(3)).toEqual(lives(3));
    expect(lives(3)).not.toEqual(lives(4));
  });

  it('is what the schema lets in', () => {
    type Tree = { name: string; below: Tree[] };
    const tree: z.ZodType<Tree> = z.lazy(() =>
      z.object({ name: z.string(), below: z.array(tree) }),
    );
    const schema = z.object({
      level: z.int().min(1).max(9),
      share: z.number().gt(0).lt(1),
      step: z.number().multipleOf(0.5).min(-3).max(3),
      mode: z.enum(['auto', 'off']).nullable(),
      time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
      day: z.iso.date(),
      code: z.string().length(4),
      pair: z.tuple([z.boolean(), z.literal('x')]),
      some: z.array(z.int().min(0).max(2)).min(2).max(3),
      named: z.record(z.string().regex(/^[a-z]+$/), z.union([z.boolean(), z.null()])),
      either: z.discriminatedUnion('is', [
        z.object({ is: z.literal('a'), n: z.number() }),
        z.object({ is: z.literal('b') }),
      ]),
      both: z.object({ a: z.number() }).and(z.object({ b: z.boolean() })),
      anything: z.json(),
      tree,
    });
    const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const dice = new Dice(1);
    for (let n = 0; n < 300; n++) expect(schema.parse(madeUp(described, dice))).toBeTruthy();
  });
});
