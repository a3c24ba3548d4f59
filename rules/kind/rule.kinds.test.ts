import fc from 'fast-check';
import type { EventData } from '../../engine/kind.ts';
import { describeKind } from '../../twins/kinds.contract.ts';
import { readRule } from '../language/source.ts';
import { rule } from './rule.ts';

/** Rules that use every trigger and every action. */
const RULES = [
  `rule: a
mode: queued
triggers:
  - { twin: a, path: reported.on, to: true, for: 5m }
  - { twin: [a, b], path: reported.temperature, above: 20, hysteresis: 1 }
  - { every: 7m }
  - { at: "02:30", weekdays: [sun] }
conditions:
  - not: { after: "22:00", before: "06:00" }
actions:
  - let: { n: 0 }
  - repeat: { times: 2, do: [{ delay: 1m }, { let: { n: "\${vars.n + 1}" } }] }
  - if: vars.n > 1
    then: [{ set: { twin: a, desired: { on: true } } }]
    else: [{ alert: { key: odd, message: "\${trigger.id}" } }]
  - wait: { for: { twin: b, path: reported.on, to: true, for: 1m }, timeout: 10m }
  - clear: odd`,
  `rule: a
mode: parallel
key: trigger.twin
triggers:
  - { event: telemetry, twin: a, where: trigger.event.on }
  - { alert: "*", kind: relay }
  - { intent: expired, room: living }
  - { webhook: bell }
  - { when: twins.a.reported.on, for: 1m }
  - { mode: away }
actions:
  - parallel:
      - [{ command: { twin: a, name: switch, args: { on: true }, retry: { times: 1 } } }, { send: { twin: b, event: toggle } }]
      - [{ delay: 2m }, { scene: evening }, { scene: { scene: evening, revert: true } }]
  - choose: [{ when: { mode: away }, do: [{ stop: away }] }]
    otherwise: [{ notify: { title: done, message: "\${trigger.type}" } }]`,
];
const definitions = RULES.map((text) => {
  const { value, problems } = readRule(text);
  if (!value) throw new Error(JSON.stringify(problems));
  return { type: 'rule.defined', definition: value, source: text } as unknown as EventData;
});

const twin = fc.constantFrom('a', 'b');
const hit = fc.record({
  trigger: fc.integer({ min: 0, max: 5 }),
  id: fc.constant('x'),
  type: fc.constantFrom('state', 'number', 'when'),
  at: fc.constant(Date.parse('2026-01-05T12:00:00Z')),
  twin,
  to: fc.oneof(fc.boolean(), fc.integer({ min: -5, max: 30 })),
});
const move = fc.record({
  key: fc.tuple(fc.integer({ min: 0, max: 5 }), twin).map(([index, name]) => `${index}:${name}`),
  move: fc.constantFrom('fires', 'holds', 'breaks', 'rearms'),
  hit,
});
const thread = { run: fc.integer({ min: 1, max: 4 }), thread: fc.integer({ min: 0, max: 3 }) };
const observed = fc.record(
  {
    type: fc.constant('observed'),
    twin,
    turn: fc.constant('h1/a@1'),
    moves: fc.array(move, { maxLength: 3 }),
    waits: fc.array(
      fc.record({ ...thread, moves: fc.array(move, { maxLength: 2 }), isTrue: fc.boolean() }),
      {
        maxLength: 2,
      },
    ),
    outcomes: fc.array(
      fc.record({ ...thread, status: fc.constantFrom('confirmed', 'failed', 'expired') }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['type', 'twin', 'turn'] },
);
const due = fc
  .constantFrom(
    'hold:0:a',
    'hold:4',
    'run:1:0',
    'run:2:1',
    'run:1:0:0:b',
    'trigger:2',
    'trigger:3:150',
    'settle',
  )
  .map((what) => ({ type: 'due', what }));

describeKind(rule, {
  'rule.defined': fc.constantFrom(...definitions),
  observed: observed as unknown as fc.Arbitrary<EventData>,
  due,
  'webhook.called': fc.constant({ type: 'webhook.called', hook: 'bell', body: { ring: 1 } }),
});
