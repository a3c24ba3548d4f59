import type { Dice } from '../../../engine/authoring/dice.ts';
import type { EventData } from '../../../engine/kind.ts';
import { describeKind } from '../../../twins/kinds.contract.ts';
import { readRule } from '../rule-definition.ts';
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
  - { webhook: bell, where: trigger.body.ring > 0 }
  - { start: true }
  - { when: twins.a.reported.on, for: 1m }
  - { mode: away }
actions:
  - parallel:
      - [{ command: { twin: a, name: switch, args: { on: true }, retry: { times: 1 } } }, { send: { twin: b, event: toggle } }]
      - [{ wait: { for: [{ webhook: bell }, { start: true }], timeout: 5m } }, { webhook: { url: "https://example.org/x?t=\${trigger.type}", headers: { a: "\${secrets.token}", b: "\${trigger.at}" }, body: { n: 1 } } }]
      - [{ delay: 2m }, { scene: evening }, { scene: { scene: evening, revert: true } }]
  - choose: [{ when: { mode: away }, do: [{ stop: away }] }]
    otherwise: [{ notify: { title: done, message: "\${trigger.type}" } }]`,
];
const definitions = RULES.map((text) => {
  const { value, problems } = readRule(text);
  if (!value) throw new Error(JSON.stringify(problems));
  return { type: 'rule.defined', definition: value, source: text } as unknown as EventData;
});

/** As many times as a throw says. */
const some = <T>(dice: Dice, most: number, one: () => T): T[] =>
  Array.from({ length: dice.between(0, most) }, one);
const twin = (dice: Dice) => dice.oneOf(['a', 'b']);
const hit = (dice: Dice) => ({
  trigger: dice.between(0, 5),
  id: 'x',
  type: dice.oneOf(['state', 'number', 'when']),
  at: Date.parse('2026-01-05T12:00:00Z'),
  twin: twin(dice),
  to: dice.oneIn(2) ? dice.oneIn(2) : dice.between(-5, 30),
});
const move = (dice: Dice) => ({
  key: `${dice.between(0, 5)}:${twin(dice)}`,
  move: dice.oneOf(['fires', 'holds', 'breaks', 'rearms']),
  hit: hit(dice),
});
const thread = (dice: Dice) => ({ run: dice.between(1, 4), thread: dice.between(0, 3) });
const observed = (dice: Dice): EventData => ({
  type: 'observed',
  twin: twin(dice),
  turn: 'h1/a@1',
  ...(dice.oneIn(2) && { moves: some(dice, 3, () => move(dice)) }),
  ...(dice.oneIn(2) && {
    waits: some(dice, 2, () => ({
      ...thread(dice),
      moves: some(dice, 2, () => move(dice)),
      isTrue: dice.oneIn(2),
    })),
  }),
  ...(dice.oneIn(2) && {
    outcomes: some(dice, 2, () => ({
      ...thread(dice),
      status: dice.oneOf(['confirmed', 'failed', 'expired']),
    })),
  }),
});
const DUE = [
  ...['hold:0:a', 'hold:4', 'run:1:0', 'run:2:1', 'run:1:0:0:b'],
  ...['trigger:2', 'trigger:3:150', 'settle'],
];

describeKind(rule, {
  'rule.defined': (dice) => dice.oneOf(definitions),
  observed,
  due: (dice) => ({ type: 'due', what: dice.oneOf(DUE) }),
  'webhook.called': () => ({ type: 'webhook.called', hook: 'bell', body: { ring: 1 } }),
  'engine.started': () => ({ type: 'engine.started', start: 's1' }),
});
