import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  initialTransition,
  log,
  not,
  or,
  raise,
  setup,
  stateIn,
  transition,
} from 'xstate';
import { z } from 'zod';
import type { Effect } from '../kind.ts';
import type { AnyKind } from '../model/kind.ts';
import { defineKind } from './define-kind.ts';
import { begin, persist, restore, type Snapshot, step } from './kernel.ts';

type Event = { type: 'go' | 'stop' | 'pause' | 'resume' | 'tick'; at: number };
const machine = setup({
  types: {} as { context: { n: number; last: number | null }; events: Event; emitted: Effect },
  delays: { soon: 500 },
}).createMachine({
  id: 'player',
  type: 'parallel',
  context: { n: 0, last: null },
  states: {
    deck: {
      initial: 'idle',
      states: {
        idle: { on: { go: { target: 'running', actions: raise({ type: 'tick', at: 0 }) } } },
        running: {
          entry: [assign({ n: ({ context }) => context.n + 1 }), log('entered')],
          after: { soon: 'idle', 9000: { target: '#player.deck.idle' } },
          on: {
            pause: { target: 'paused', actions: cancel('later') },
            stop: 'idle',
          },
          initial: 'slow',
          states: {
            slow: { on: { tick: 'fast' } },
            fast: {
              entry: raise({ type: 'tick', at: 0 }, { delay: 1_000, id: 'later' }),
            },
            remembered: { type: 'history', history: 'deep' },
          },
        },
        paused: { on: { resume: 'running.remembered' } },
      },
    },
    count: {
      on: {
        tick: {
          actions: enqueueActions(({ enqueue, event }) => {
            enqueue.assign({ last: event.at });
            enqueue.emit({
              type: 'alert',
              key: 'k',
              severity: 'info',
              state: 'raised',
              message: 'm',
            });
          }),
        },
      },
    },
  },
});
/** Each construct once: what a region answers to `go`, `stop`, `pause`, `resume` and `tick` differs. */
const everything = setup({
  types: {} as { context: { n: number; trail: string[] }; events: Event; emitted: Effect },
  guards: {
    even: ({ context }) => context.n % 2 === 0,
    above: ({ context }, { limit }: { limit: number }) => context.n > limit,
    isDeep: stateIn({ nest: { outer: 'inner' } }),
    isDeepById: stateIn('#inner'),
    late: and([not('even'), or(['isDeep', { type: 'above', params: { limit: 3 } }])]),
  },
  actions: {
    count: assign({ n: ({ context }) => context.n + 1 }),
    trail: assign(({ context }, { step }: { step: string }) => ({
      trail: [...context.trail, step].slice(-20),
    })),
  },
  delays: { grows: ({ context }) => context.n * 10 },
}).createMachine({
  id: 'everything',
  type: 'parallel',
  context: { n: 0, trail: [] },
  on: {
    resume: {
      actions: [
        { type: 'trail', params: { step: 'root' } },
        enqueueActions(({ enqueue, check }) => {
          if (check('late')) enqueue('count');
          if (check({ type: 'above', params: { limit: 2 } })) {
            enqueue({ type: 'trail', params: { step: 'above two' } });
          }
          enqueue.assign({ n: ({ context }) => context.n + 1 });
          enqueue.raise({ type: 'tick', at: 0 }, { delay: 5, id: 'queued' });
          enqueue.cancel('queued');
          enqueue(enqueueActions((inner) => inner.enqueue('count')));
        }),
      ],
    },
  },
  states: {
    nest: {
      initial: 'flat',
      on: { '*': { actions: { type: 'trail', params: { step: 'anything' } } } },
      states: {
        flat: { on: { go: 'outer' } },
        outer: {
          initial: 'first',
          entry: { type: 'trail', params: { step: 'into outer' } },
          exit: { type: 'trail', params: { step: 'out of outer' } },
          on: {
            stop: 'flat',
            pause: { target: 'outer', reenter: true },
            tick: [
              { guard: 'even', target: '.inner', actions: 'count' },
              { target: '.first', actions: ['count', raise({ type: 'stop', at: 0 })] },
            ],
          },
          states: {
            first: { after: { grows: 'inner' } },
            inner: { id: 'inner', on: { go: { target: '#everything.steps.two' } } },
          },
        },
      },
    },
    steps: {
      initial: 'one',
      onDone: { target: '.one', actions: { type: 'trail', params: { step: 'done' } } },
      states: {
        one: { on: { go: { target: 'two', actions: 'count' } } },
        two: {
          initial: 'a',
          onDone: 'three',
          states: { a: { on: { tick: 'b' } }, b: { on: { tick: 'end' } }, end: { type: 'final' } },
        },
        three: { always: { guard: 'late', target: 'last' }, on: { stop: 'one' } },
        last: { on: { pause: 'end' } },
        end: { type: 'final' },
      },
    },
    blink: {
      initial: 'on',
      states: {
        on: {
          always: {
            guard: 'even',
            target: 'on',
            actions: raise({ type: 'stop', at: 0 }, { delay: 7, id: 'blink' }),
          },
        },
      },
    },
    watch: {
      initial: 'calm',
      always: {
        guard: { type: 'above', params: { limit: 5 } },
        actions: assign({ n: 0 }),
        target: '.alert',
      },
      states: {
        calm: {},
        alert: {
          entry: emit({
            type: 'alert',
            key: 'k',
            severity: 'info',
            state: 'raised',
            message: 'm',
          }),
          on: { resume: { guard: 'isDeepById', target: 'calm' }, tick: 'pair' },
        },
        pair: {
          type: 'parallel',
          on: { stop: 'remembered', go: { guard: 'even', target: 'calm' } },
          states: {
            left: { initial: 'l1', states: { l1: { on: { tick: 'l2' } }, l2: {} } },
            right: { initial: 'r1', states: { r1: { on: { pause: 'r2' } }, r2: {} } },
          },
        },
        remembered: { on: { resume: 'again' } },
        again: { type: 'history', target: 'alert' },
      },
    },
  },
});
/** The same without a state that remembers: what its microsteps do is worked out once. */
const forgetful = createMachine(
  {
    ...everything.config,
    states: {
      ...everything.config.states,
      watch: {
        ...everything.config.states?.watch,
        states: {
          ...everything.config.states?.watch?.states,
          again: { on: { stop: 'alert', resume: { target: 'again', reenter: true } } },
        },
      },
    },
  } as never,
  everything.implementations as never,
);
const empty = z.object({});
const player = defineKind({
  kind: 'player',
  version: 1,
  description: '',
  events: { go: empty, stop: empty, pause: empty, resume: empty, tick: empty },
  commands: {},
  measurements: {},
  machine,
  view: () => ({ reported: {}, desired: {}, settings: {} }),
});

const events = fc.array(
  fc.record({
    type: fc.constantFrom<Event['type']>('go', 'stop', 'pause', 'resume', 'tick'),
    at: fc.integer({ min: 0, max: 1e12 }),
  }),
  { maxLength: 30 },
);

/** What XState's own function gives, in the kernel's words. */
function official(actions: { type: string; params: unknown }[]) {
  return actions.flatMap(({ type, params }): object[] => {
    const p = params as Record<string, unknown>;
    if (type === 'xstate.emit') return [{ type: 'emit', effect: p.event }];
    if (type === 'xstate.cancel') return [{ type: 'cancel', id: p.sendId }];
    if (type === 'xstate.raise' && p.delay !== undefined) {
      const id = p.id ?? (p.event as { type: string }).type;
      return [{ type: 'arm', id, event: p.event, delayMs: p.delay }];
    }
    return [];
  });
}

/** The stored form of ours, or of XState's own snapshot. */
const seen = (snapshot: Snapshot | AnyMachineSnapshot) =>
  JSON.parse(JSON.stringify(persist(snapshot as Snapshot))) as unknown;

describe('the kernel', () => {
  test('gives what XState’s transition() gives, event by event, also from a restored snapshot', () => {
    const input = { home: 'h', twin: 't', at: 0, timezone: 'UTC' };
    fc.assert(
      fc.property(events, (sequence) => {
        let [theirs, theirActions] = initialTransition(machine, input as never);
        let ours = begin(player, input);
        expect(seen(ours.snapshot)).toEqual(seen(theirs));
        expect(ours.actions).toEqual(official(theirActions));
        for (const event of sequence) {
          [theirs, theirActions] = transition(machine, theirs, event);
          const revived = restore(player, persist(ours.snapshot));
          const afterRestart = step(player, revived, event);
          ours = step(player, ours.snapshot, event);
          expect(seen(ours.snapshot)).toEqual(seen(theirs));
          expect(ours.actions).toEqual(official(theirActions));
          expect(seen(afterRestart.snapshot)).toEqual(seen(ours.snapshot));
          expect(afterRestart.actions).toEqual(ours.actions);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each<[string, AnyStateMachine]>([
    ['', everything],
    [' but history', forgetful],
  ])('gives the same of everything that statecharts have%s', (_but, given) => {
    const kind = { ...player, machine: given, kind: 'everything' } as AnyKind;
    fc.assert(
      fc.property(events, (sequence) => {
        let [theirs, theirActions] = initialTransition(given);
        let ours = begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' });
        expect(ours.actions).toEqual(official(theirActions));
        for (const event of sequence) {
          [theirs, theirActions] = transition(given, theirs, event);
          ours = step(kind, ours.snapshot, event);
          expect(seen(ours.snapshot)).toEqual(seen(theirs));
          expect(ours.actions).toEqual(official(theirActions));
          ours.snapshot = restore(kind, JSON.parse(JSON.stringify(persist(ours.snapshot))));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('says which state a stored twin is in that its kind no longer has', () => {
    const stored = { value: { deck: 'rewinding', count: {} }, historyValue: {}, context: {} };
    expect(() => restore(player, stored)).toThrow(/"rewinding".*does not exist in kind "player"/);
  });

  test('ends a machine that goes round in circles, and the snapshot before is unharmed', () => {
    const dizzy = createMachine({
      initial: 'rest',
      states: { rest: { on: { go: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
    });
    const kind = { ...player, machine: dizzy, kind: 'dizzy' } as AnyKind;
    const { snapshot } = begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' });
    expect(() => step(kind, snapshot, { type: 'go', at: 1 })).toThrow(/Infinite loop/);
    expect(snapshot.value).toBe('rest');
  });

  test('refuses an action function that only shows when it runs', () => {
    const sly = createMachine({
      context: {},
      on: { go: { actions: enqueueActions(({ enqueue }) => enqueue(() => {})) } },
    });
    const kind = { ...player, machine: sly, kind: 'sly' } as AnyKind;
    const { snapshot } = begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' });
    expect(() => step(kind, snapshot, { type: 'go', at: 1 })).toThrow(/is not assign, emit/);
  });

  test('refuses a first context that JSON cannot hold', () => {
    const dated = createMachine({ context: () => ({ since: new Date(0) }) });
    const kind = { ...player, machine: dated, kind: 'dated' } as AnyKind;
    expect(() => begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' })).toThrow(
      /context.since is a Date/,
    );
  });

  test('asks the regions of a parallel state in one order, in whichever they were entered', () => {
    type Log = { armed: boolean; log: string[] };
    const regions = setup({
      types: {} as { context: Log },
      guards: { armed: ({ context }) => context.armed },
      actions: {
        note: assign({ log: ({ context }, { name }: { name: string }) => [...context.log, name] }),
      },
    }).createMachine({
      type: 'parallel',
      context: { armed: false, log: [] },
      on: { tick: { actions: assign({ armed: true }) } },
      states: {
        first: {
          initial: 'a',
          states: {
            a: { on: { go: 'b' } },
            b: {
              always: {
                guard: 'armed',
                target: 'c',
                actions: { type: 'note', params: { name: 'first' } },
              },
            },
            c: {},
          },
        },
        second: {
          initial: 'x',
          states: {
            x: {
              always: {
                guard: 'armed',
                target: 'y',
                actions: { type: 'note', params: { name: 'second' } },
              },
            },
            y: {},
          },
        },
      },
    });
    const kind = { ...player, machine: regions, kind: 'regions' } as AnyKind;
    const born = begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' }).snapshot;
    const gone = step(kind, born, { type: 'go', at: 1 }).snapshot;
    const awake = step(kind, gone, { type: 'tick', at: 2 }).snapshot;
    const revived = step(kind, restore(kind, persist(gone)), { type: 'tick', at: 2 }).snapshot;
    expect(awake.context).toEqual({ armed: true, log: ['first', 'second'] });
    expect(seen(revived)).toEqual(seen(awake));
  });

  test('hands out what emit gave, unchanged', () => {
    const loud = createMachine({
      context: {},
      on: { go: { actions: emit({ type: 'tell', to: 'x', event: { type: 'hi' } }) } },
    });
    const kind = { ...player, machine: loud, kind: 'loud' } as AnyKind;
    const { snapshot } = begin(kind, { home: 'h', twin: 't', at: 0, timezone: 'UTC' });
    expect(step(kind, snapshot, { type: 'go', at: 1 }).actions).toEqual([
      { type: 'emit', effect: { type: 'tell', to: 'x', event: { type: 'hi' } } },
    ]);
  });
});
