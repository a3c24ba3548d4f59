import { describe, expect, it } from 'vitest';
import { kinds } from '../../../twins/catalogue.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import { rule } from '../kind/rule.ts';
import { printProblem } from '../language/problem.ts';
import { type Definition, readRule } from '../rule-definition.ts';
import { checkRule } from './check.ts';
import type { HomeSnapshot } from './home-snapshot.ts';

const twin = (id: string, kind: string, more: Partial<KnownTwin> = {}): [string, KnownTwin] => [
  id,
  { id, kind, room: null, reported: {}, desired: {}, settings: {}, ...more },
];

function home(others: readonly string[], modes?: string[]): HomeSnapshot {
  return {
    twins: new Map([
      twin('lamp', 'relay'),
      twin('fan', 'relay'),
      twin('motion', 'sensor'),
      twin('outside', 'sensor', { reported: { temperature: 3 } }),
      twin('living-room', 'room'),
      twin('radiator', 'thermostat'),
      twin('evening', 'scene', { settings: { entries: { fan: { on: true } } } }),
      ...(modes ? [twin('home', 'home', { settings: { modes } })] : []),
    ]),
    kinds: new Map([...kinds, rule].map((kind) => [kind.kind, kind])),
    rules: others.map((text) => readRule(text).value as Definition),
  };
}

function problems(text: string, ...others: string[]): string[] {
  const { value, locate, problems: unreadable } = readRule(text);
  if (value === null) return unreadable.map(printProblem);
  return checkRule(value, home(others), locate).map(printProblem);
}

const GOOD = `rule: a
triggers:
  - twin: motion
    path: reported.occupancy
    to: true
conditions:
  - twins.outside.reported.temperature < 5
actions:
  - set: { twin: lamp, desired: { on: true } }
`;

it('has nothing to say of a good rule', () => {
  expect(problems(GOOD)).toEqual([]);
});

it('knows that a clock ends a wait', () => {
  const wait = (what: string) => `${GOOD}  - wait: { for: ${what} }\n`;
  expect(problems(wait('[{ twin: motion, path: reported.occupancy }, { at: "22:00" }]'))).toEqual(
    [],
  );
});

describe('what is no rule is told with its place', () => {
  it.each<[string, string, string]>([
    [
      'a misspelt key',
      GOOD.replace('triggers:', 'trigers:'),
      '2:1: trigers: "trigers" means nothing here; did you mean "triggers"?',
    ],
    ['a key that is missing', GOOD.replace('rule: a\n', ''), '1:1: rule: is missing: a string'],
    [
      'a duration',
      GOOD.replace('to: true', 'to: true\n    for: ten'),
      '6:5: triggers[0].for: a duration is written like 30s, 10m, 1h30m',
    ],
    [
      'a path',
      GOOD.replace('reported.occ', 'report.occ'),
      '4:5: triggers[0].path: a path begins with state, reported, desired, settings, room or alerts, such as reported.temperature',
    ],
    [
      'a trigger without its twin',
      GOOD.replace('twin: motion\n    path', 'path'),
      '3:5: triggers[0].twin: say whose: "twin", "kind" or "room"',
    ],
    [
      'a misspelt word within a trigger',
      GOOD.replace('    to:', '    too:'),
      '5:5: triggers[0].too: "too" means nothing here; did you mean "to"?',
    ],
    [
      'a misspelt action',
      GOOD.replace('- set:', '- sett:'),
      '9:5: actions[0]: nothing begins with "sett"; did you mean "set"?',
    ],
    [
      'a misspelt word within an action',
      GOOD.replace('desired:', 'desierd:'),
      '9:24: actions[0].set.desierd: "desierd" means nothing here; did you mean "desired"?',
    ],
    [
      'a mode',
      GOOD.replace('rule: a', 'rule: a\nmode: singel'),
      '2:1: mode: has to be "single" or "restart" or "queued" or "parallel"; did you mean "single"?',
    ],
    [
      'YAML',
      'rule: [a',
      '1:9: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('%s', (_what, text, problem) => {
    expect(problems(text)).toContain(problem);
  });
});

describe('what does not fit the home is told with its place', () => {
  it.each<[string, string, string]>([
    [
      'a twin',
      GOOD.replace('twin: lamp', 'twin: lmap'),
      '9:12: actions[0].set.twin: there is no twin "lmap"; did you mean "lamp"?',
    ],
    [
      'a twin with a separator',
      GOOD.replace('twin: motion', 'room: livingroom'),
      '3:5: triggers[0].room: there is no twin "livingroom"; did you mean "living-room"?',
    ],
    [
      'a kind',
      GOOD.replace('twin: motion', 'kind: sensors'),
      '3:5: triggers[0].kind: there is no kind "sensors"; did you mean "sensor"?',
    ],
    [
      'a reported value',
      GOOD.replace('reported.occupancy', 'reported.ocupancy'),
      '4:5: triggers[0].path: a sensor reports no "ocupancy"; did you mean "occupancy"?',
    ],
    [
      'a value that it never has',
      GOOD.replace('to: true', 'to: open'),
      '5:5: triggers[0].to: it is never "open"; it can be: true, false',
    ],
    [
      'a state',
      GOOD.replace('reported.occupancy', 'state.lnk'),
      '4:5: triggers[0].path: a sensor has no state "lnk"; did you mean "link"?',
    ],
    [
      'a value of a state',
      GOOD.replace('reported.occupancy', 'state.link').replace('to: true', 'to: ofline'),
      '5:5: triggers[0].to: it is never "ofline"; did you mean "offline"?',
    ],
    [
      'a limit for what is no number',
      GOOD.replace('to: true', 'above: 3'),
      '4:5: triggers[0].path: reported.occupancy is a bool, not a number',
    ],
    [
      'a twin in an expression',
      GOOD.replace('twins.outside', 'twins.outsied'),
      '7:5: conditions[0]: there is no twin "outsied"; did you mean "outside"?',
    ],
    [
      'a value in an expression',
      GOOD.replace('reported.temperature', 'reported.temprature'),
      '7:5: conditions[0]: a sensor reports no "temprature"; did you mean "temperature"?',
    ],
    [
      'types in an expression',
      GOOD.replace('< 5', '< "5"'),
      '7:5: conditions[0]: no such overload: double < string (at character 1 of "twins.outside.reported.temperature < "5"")',
    ],
    [
      'an expression that is no condition',
      GOOD.replace(' < 5', ' + 5'),
      '7:5: conditions[0]: "twins.outside.reported.temperature + 5" is a double, not true or false',
    ],
    [
      'the syntax of an expression',
      GOOD.replace('< 5', '<'),
      '7:5: conditions[0]: Unexpected token: EOF (at character 37 of "twins.outside.reported.temperature <")',
    ],
    [
      'a wish',
      GOOD.replace('{ on: true }', '{ onn: true }'),
      '9:35: actions[0].set.desired.onn: a relay takes no "onn"; did you mean "on"?',
    ],
    [
      'the type of a wish',
      GOOD.replace('{ on: true }', '{ on: 3 }'),
      '9:35: actions[0].set.desired.on: Invalid input: expected boolean, received number',
    ],
    [
      'a command',
      GOOD.replace(
        'set: { twin: lamp, desired: { on: true } }',
        'command: { twin: lamp, name: swich, args: { on: true } }',
      ),
      '9:28: actions[0].command.name: a relay has no command "swich"; did you mean "switch"?',
    ],
    [
      'the arguments of a command',
      GOOD.replace(
        'set: { twin: lamp, desired: { on: true } }',
        'command: { twin: lamp, name: switch, args: { on: 1 } }',
      ),
      '9:50: actions[0].command.args.on: Invalid input: expected boolean, received number',
    ],
    [
      'an event',
      GOOD.replace(
        'set: { twin: lamp, desired: { on: true } }',
        'send: { twin: lamp, event: togle }',
      ),
      '9:25: actions[0].send.event: a relay knows no event "togle"; did you mean "toggle"?',
    ],
    ...[
      ['desired.changed', 'Use the action "set".'],
      ['desired.released', 'Use the action "release".'],
      ['command.requested', 'Use the action "command".'],
      ['telemetry', 'Events of this type come from: a device, the engine.'],
      ['settings.changed', 'Only the engine makes events of this type.'],
      ['twin.changed', 'Only the engine makes events of this type.'],
    ].map(([event = '', hint = '']): [string, string, string] => [
      `an event that rules may not send: ${event}`,
      GOOD.replace(
        'set: { twin: lamp, desired: { on: true } }',
        `send: { twin: lamp, event: ${event} }`,
      ),
      `9:25: actions[0].send.event: a rule’s "send" cannot send "${event}" to a relay. ${hint}`,
    ]),
    [
      'an event of a trigger',
      GOOD.replace('path: reported.occupancy\n    to: true', 'event: telemtry'),
      '4:5: triggers[0].event: a sensor knows no event "telemtry"; did you mean "telemetry"?',
    ],
    [
      'a cron expression',
      GOOD.replace(/ {2}- twin: motion[\s\S]*?to: true/, '  - cron: "61 * * * *"'),
      '3:5: triggers[0].cron: is no cron expression: Constraint error, got value 61 expected range 0-59',
    ],
    [
      'a timezone',
      GOOD.replace(
        / {2}- twin: motion[\s\S]*?to: true/,
        '  - { cron: "1 * * * *", timezone: Europe/Berlyn }',
      ),
      '3:26: triggers[0].timezone: "Europe/Berlyn" is no timezone; did you mean "Europe/Berlin"?',
    ],
    [
      'the sun of a home without a place',
      GOOD.replace(/ {2}- twin: motion[\s\S]*?to: true/, '  - sun: sunset'),
      '3:5: triggers[0].sun: the home\'s place is not known, so nobody knows when the sun rises: set latitude and longitude of its twin "home"',
    ],
    [
      'the mode of a home without modes',
      GOOD.replace(/ {2}- twin: motion[\s\S]*?to: true/, '  - mode: away'),
      '3:5: triggers[0].mode: the home has no twin "home", so it has no modes',
    ],
    [
      'a template',
      GOOD.replace('on: true', 'on: "${twins.lamp.reported.pwer > 3}"'),
      '9:24: actions[0].set.desired: a relay reports no "pwer"; did you mean "power"?',
    ],
    [
      'what is never reached',
      `${GOOD}  - stop: done\n  - set: { twin: fan, desired: { on: true } }\n`,
      '11:5: warning: actions[2]: is never reached: the run has stopped',
    ],
    [
      'a branch that is never taken',
      `${GOOD}  - choose:\n      - { when: "true", do: [] }\n      - { when: "1 > 2", do: [] }\n`,
      '12:9: warning: actions[1].choose[1]: is never reached: the branch before it is always taken',
    ],
    [
      'a trigger that never fires',
      GOOD.replace('to: true', 'to: true\n    from: true'),
      '5:5: warning: triggers[0].to: begins and ends with the same value: it never fires',
    ],
    [
      'a wait without an end',
      `${GOOD}  - wait: { until: twins.lamp.reported.on }\n`,
      '10:5: warning: actions[1].wait: waits for ever if it does not come: give a "timeout"',
    ],
  ])('%s', (_what, text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});

describe('among rules', () => {
  const OFF = GOOD.replace('rule: a', 'rule: b').replace('on: true', 'on: false');

  it('two that want different things at the same occasion are told apart by priority', () => {
    const conflict =
      '9:35: warning: actions[0].set.desired.on: rule "b" sets on of "lamp" to false, with the same priority';
    expect(problems(GOOD, OFF)).toEqual([conflict]);
    expect(problems(GOOD, OFF.replace('rule: b', 'rule: b\npriority: 5'))).toEqual([]);
    expect(problems(GOOD, OFF.replace('to: true', 'to: false'))).toEqual([]);
  });

  const chain = (id: string, from: string, to: string, on = 'true') => `rule: ${id}
triggers: [{ twin: ${from}, path: reported.on, to: true }]
actions: [{ set: { twin: ${to}, desired: { on: ${on} } } }]
`;

  it('a circle over a scene or a mode is found', () => {
    const byScene = chain('x', 'lamp', 'fan').replace(
      /actions: .*/,
      'actions: [{ scene: evening }]',
    );
    const circle = '2:1: warning: triggers: rules set each other off in a circle: "x" → "y" → "x"';
    expect(problems(byScene, chain('y', 'fan', 'lamp'))).toEqual([circle]);
    const modes = (name: string, from: string, to: string) =>
      `rule: ${name}\ntriggers: [{ mode: ${from} }]\nactions: [{ set: { twin: home, desired: { mode: ${to} } } }]`;
    const { value, locate } = readRule(modes('x', 'away', 'home'));
    const beside = (other: string) =>
      checkRule(value as Definition, home([other], ['home', 'away']), locate).map(printProblem);
    expect(beside(modes('y', 'home', 'away'))).toEqual([circle]);
    expect(beside(modes('y', 'away', 'home'))).toEqual([]);
  });

  it('a circle is found', () => {
    const circle = '2:1: warning: triggers: rules set each other off in a circle: "x" → "y" → "x"';
    expect(problems(chain('x', 'lamp', 'fan'), chain('y', 'fan', 'lamp'))).toEqual([circle]);
    expect(problems(chain('x', 'lamp', 'fan'), chain('y', 'fan', 'lamp', 'false'))).toEqual([]);
    expect(problems(chain('x', 'lamp', 'lamp'))).toEqual([circle.replace('"y" → ', '')]);
  });
});

describe('the size of a rule', () => {
  const home = { twins: new Map(), kinds: new Map(), rules: [] };
  const ruleOf = (actions: readonly string[]) => {
    const rounds = Array.from({ length: Math.ceil(actions.length / 150) }, (_, at) => {
      const some = actions.slice(at * 150, (at + 1) * 150).join(', ');
      return `{repeat: {times: 1, do: [${some}]}}`;
    });
    const { value } = readRule(
      `rule: x\ntriggers: [{every: 1h}]\nactions: [${rounds.join(', ')}]\n`,
    );
    if (value === null) throw new Error('it is no rule');
    return checkRule(value, home as never).filter(({ message }) => message.includes('at most'));
  };

  it.each([
    [500, `{let: {a: "\${now}"}}`, 0],
    [501, `{let: {a: "\${now}"}}`, 1],
    [6_000, '{stop: true}', 1],
  ])('%i times %s', (times, action, flaws) => {
    expect(ruleOf(Array(times).fill(action))).toHaveLength(flaws);
  });
});
