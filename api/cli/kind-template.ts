/** What `homeostat new kind` writes: a device that can be switched, and switches itself off. */

export interface KindTemplate {
  /** The name of the kind; lower-case letters, digits, `-`. */
  name: string;
  isTyped: boolean;
}

/** The kind's module. */
export function kindSource({ name, isTyped }: KindTemplate): string {
  const typed = (text: string) => (isTyped ? text : '');
  return `/** ${name}: a device that can be switched. Make it what yours is: docs/kinds.md of Homeostat is the guide. */
import { command, defineKind${typed(', type Effect, type EventsOf, type KindInput')} } from 'homeostat/kind';
import { assign, enqueueActions, setup } from 'xstate';
import { z } from 'zod';

/** Everything that it can be told. Each event has \`at\` too (epoch ms), the only clock there is. */
const events = {
  /** What the device reports: a report may be partial. */
  telemetry: z.object({
    on: z.boolean().optional(),
    power: z.number().min(0).max(10_000).optional(),
  }),
  /** What people and rules want; null wants nothing. */
  'desired.changed': z.object({ on: z.boolean().nullable().optional() }),
  /** How it is configured; null is the default. */
  'settings.changed': z.object({
    offAfterMs: z.number().int().min(1_000).max(86_400_000).nullable().optional(),
  }),
};

const commands = {
  /** Confirmed by the report that shows it. */
  switch: command({ args: z.object({ on: z.boolean() }), expect: ({ on }) => ({ on }) }),
};

const DEFAULTS = { offAfterMs: 3_600_000 };
${typed(`
type Context = {
  reported: { on?: boolean; power?: number };
  desired: { on?: boolean };
  settings: typeof DEFAULTS;
};
`)}
const machine = setup({
${typed(`  types: {} as {
    context: Context;
    events: EventsOf<typeof events>;
    emitted: Effect<typeof commands>;
    input: KindInput;
  },
`)}  guards: {
    isOn: ({ context }) => context.reported.on === true,
    isOff: ({ context }) => context.reported.on === false,
  },
  delays: { offAfter: ({ context }) => context.settings.offAfterMs },
  actions: {
    report: assign({
      reported: ({ context, event }) => {
        if (event.type !== 'telemetry') return context.reported;
        const { on, power } = event;
        return {
          ...context.reported,
          ...(on !== undefined && { on }),
          ...(power !== undefined && { power }),
        };
      },
    }),
    want: assign({
      desired: ({ context, event }) => {
        if (event.type !== 'desired.changed' || event.on === undefined) return context.desired;
        return event.on === null ? {} : { on: event.on };
      },
    }),
    wantOff: assign({ desired: { on: false } }),
    send: enqueueActions(({ context, enqueue }) => {
      const { on } = context.desired;
      if (on !== undefined) enqueue.emit({ type: 'command', name: 'switch', args: { on } });
    }),
    configure: assign({
      settings: ({ context, event }) =>
        event.type === 'settings.changed' && event.offAfterMs !== undefined
          ? { offAfterMs: event.offAfterMs ?? DEFAULTS.offAfterMs }
          : context.settings,
    }),
  },
}).createMachine({
  id: '${name}',
  context: { reported: {}, desired: {}, settings: DEFAULTS },
  initial: 'off',
  on: {
    telemetry: { actions: 'report' },
    'desired.changed': { actions: ['want', 'send'] },
    'settings.changed': { actions: 'configure' },
  },
  states: {
    off: { always: { guard: 'isOn', target: 'on' } },
    on: {
      always: { guard: 'isOff', target: 'off' },
      // A stored deadline: it comes even if the process was down meanwhile
      after: { offAfter: { actions: ['wantOff', 'send'] } },
    },
  },
});

export default defineKind({
  kind: '${name}',
  version: 1,
  description: 'A device that can be switched, and switches itself off after a while.',
  events,
  commands,
  measurements: { power: { unit: 'W' } },
  machine,
  view: ({ reported, desired, settings }) => ({ reported, desired, settings }),
});
`;
}

/** Its test, for Node's own runner. @param file the kind's module, beside it */
export function testSource({ name }: KindTemplate, file: string): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proveKind, TwinBench } from 'homeostat/testing';
import kind from './${file}';

test('${name}: a wish becomes a command, and the report confirms it', () => {
  // Given a device that is off
  const bench = new TwinBench(kind);
  bench.send({ type: 'telemetry', on: false });
  // When somebody wants it on, and it reports that it is
  bench.send({ type: 'desired.changed', on: true });
  bench.send({ type: 'telemetry', on: true, power: 40 });
  // Then
  assert.deepEqual(bench.commands, [{ name: 'switch', args: { on: true } }]);
  assert.deepEqual(
    [...bench.intents.values()].map(({ status }) => status),
    ['confirmed'],
  );
  assert.deepEqual(bench.reported, { on: true, power: 40 });
  assert.equal(bench.state, 'on');
});

test('${name}: switches itself off, also after an outage', () => {
  const bench = new TwinBench(kind);
  bench.send({ type: 'settings.changed', offAfterMs: 60_000 });
  bench.send({ type: 'telemetry', on: true });
  bench.advance(59_999);
  assert.deepEqual(bench.commands, []);
  // The process is down for an hour, and finds what is due
  bench.sleep(3_600_000);
  bench.wake();
  assert.deepEqual(bench.commands, [{ name: 'switch', args: { on: false } }]);
});

test('${name}: keeps what every kind promises', () => proveKind(kind));
`;
}
