import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseRule, readRule } from '../../features/rules/authoring.ts';
import { importAutomations } from './home-assistant.ts';
import { ImportError } from './part.ts';
import type { Finding } from './report.ts';

const imported = (text: string, entities = '') =>
  importAutomations([{ name: 'a.yaml', text }], { name: 'entities.yaml', text: entities });

/** What was not translated, as `line:column message`. */
function open(text: string, entities = ''): string[] {
  return told(text, 'untranslated', entities);
}

function told(text: string, level: Finding['level'], entities = ''): string[] {
  return imported(text, entities).rules.flatMap(({ account }) =>
    account.findings
      .filter((finding) => finding.level === level)
      .map(({ at, message }) => `${at.line}:${at.column} ${message}`),
  );
}

/** The only rule of it, in its canonical form. */
function ruleOf(text: string, entities = '') {
  const { rules, report, isComplete } = imported(text, entities);
  const { value } = readRule(rules[0]?.text ?? '');
  if (!isComplete || !value) throw new Error(report);
  return value;
}

const withTrigger = (trigger: string) =>
  `alias: T\ntriggers:\n  - ${trigger}\nactions:\n  - delay: 1\n`;
const withCondition = (condition: string) =>
  `alias: T\ntriggers:\n  - { trigger: time, at: "07:00" }\nconditions:\n  - ${condition}\nactions:\n  - delay: 1\n`;
const withAction = (action: string) =>
  `alias: T\ntriggers:\n  - { trigger: state, entity_id: light.a, to: "on" }\nactions:\n  - ${action}\n`;

describe('triggers', () => {
  it.each<[string, object[]]>([
    [
      '{ platform: state, entity_id: [light.a, binary_sensor.a_door], from: "off", to: "on", for: 90 }',
      [
        { twin: ['a'], path: ['reported', 'on'], from: [false], to: [true], for: 90_000 },
        { twin: ['a-door'], path: ['reported', 'contact'], from: [true], to: [false], for: 90_000 },
      ],
    ],
    [
      '{ trigger: state, entity_id: light.a, not_to: [unavailable, unknown] }',
      [{ twin: ['a'], path: ['reported', 'on'] }],
    ],
    ['{ trigger: state, entity_id: light.a, not_from: "on" }', [{ from: [false] }]],
    [
      '{ trigger: state, entity_id: light.a, to: unavailable }',
      [{ type: 'alert', alert: 'offline' }],
    ],
    [
      '{ trigger: state, entity_id: climate.a, attribute: current_temperature }',
      [{ path: ['reported', 'temperature'] }],
    ],
    ['{ trigger: numeric_state, entity_id: sensor.a_power, above: "5.5" }', [{ above: 5.5 }]],
    [
      '{ trigger: numeric_state, entity_id: sensor.a_power, above: sensor.b_power }',
      [{ type: 'when', when: 'twins["a-power"].reported.power > twins["b-power"].reported.power' }],
    ],
    [
      '{ trigger: time, at: ["07:30:00", "22:05"], weekday: [mon] }',
      [{ at: [450, 1325], weekdays: [1] }],
    ],
    // Without quotes its YAML counts it in sixties
    ['{ trigger: time, at: 10:30:00 }', [{ at: [630] }]],
    ['{ trigger: time_pattern, minutes: "/5" }', [{ cron: '*/5 * * * *' }]],
    ['{ trigger: time_pattern, hours: "/2" }', [{ cron: '0 */2 * * *' }]],
    ['{ trigger: time_pattern, seconds: "/30" }', [{ type: 'every', every: 30_000 }]],
    [
      '{ trigger: sun, event: sunset, offset: "-00:45:00" }',
      [{ sun: 'sunset', offset: -2_700_000 }],
    ],
    [
      `{ trigger: template, value_template: "{{ is_state('light.a', 'on') }}", for: { minutes: 2 } }`,
      [{ type: 'when', when: 'twins.a.reported.on == true', for: 120_000 }],
    ],
    ['{ trigger: webhook, webhook_id: my-hook, local_only: true }', [{ webhook: 'my_hook' }]],
    [
      '{ trigger: device, device_id: abc, domain: light, type: turned_on, entity_id: light.a }',
      [{ twin: ['a'], to: [true] }],
    ],
  ])('%s', (trigger, expected) => {
    expect(ruleOf(withTrigger(trigger)).triggers).toMatchObject(expected);
  });

  it.each<[string, string]>([
    [
      '{ trigger: zone, entity_id: person.a, zone: zone.home, event: leave }',
      '3:16 the trigger "zone" has no counterpart',
    ],
    ['{ trigger: tag, tag_id: x }', '3:16 the trigger "tag" has no counterpart'],
    [
      '{ trigger: calendar, event: start, entity_id: calendar.a }',
      '3:16 the trigger "calendar" has no counterpart',
    ],
    ['{ trigger: constructor }', '3:16 the trigger "constructor" has no counterpart'],
    [
      '{ trigger: time, at: input_datetime.wake }',
      `3:26 the time is "input_datetime.wake", and a rule's times of day are fixed`,
    ],
    [
      '{ trigger: event, event_type: zha_event }',
      '3:35 there is no bus of events to hear "zha_event" on',
    ],
    [
      '{ trigger: device, device_id: abc, type: remote_button_short_press, subtype: on }',
      '3:40 what the device does ("remote_button_short_press") is known to Home Assistant only',
    ],
    [
      '{ trigger: state, entity_id: person.a, to: home }',
      '3:34 nothing can be assumed of person.a',
    ],
    [
      '{ trigger: state, entity_id: light.a, to: purple }',
      '3:47 "purple" is no state that light.a is known to have (on, off)',
    ],
    [
      '{ trigger: state, entity_id: light.a, for: "{{ 5 }}" }',
      "3:48 the time that it has to hold is a template, and a rule's times are fixed",
    ],
    [
      '{ trigger: state, entity_id: !secret lamp, to: "on" }',
      '3:34 !secret lamp is known to Home Assistant only',
    ],
    [
      '{ trigger: state, entity_id: light.a, to: "on", variables: { x: 1 } }',
      '3:53 "variables" of the trigger "state" has no counterpart',
    ],
    [
      '{ trigger: numeric_state, entity_id: sensor.a, above: 3, value_template: "{{ 1 }}" }',
      '3:78 a number that is calculated first has no trigger of its own',
    ],
  ])('%s is reported at its place', (trigger, expected) => {
    expect(open(withTrigger(trigger))).toEqual([expected]);
  });

  it('of MQTT and of the start are translated as soon as the language has them', () => {
    for (const [theirs, ours] of [
      ['{ trigger: mqtt, topic: a/b, payload: x }', { mqtt: 'a/b', payload: 'x' }],
      ['{ trigger: homeassistant, event: start }', { start: true }],
    ] as const) {
      const isKnown =
        parseRule({ rule: 'r', triggers: [ours], actions: [{ stop: true }] }).value !== null;
      expect(imported(withTrigger(theirs)).isComplete).toBe(isKnown);
    }
  });
});

describe('conditions', () => {
  it.each<[string, unknown]>([
    [
      '{ condition: state, entity_id: light.a, state: ["on", "off"] }',
      '(twins.a.reported.on == true || twins.a.reported.on == false)',
    ],
    [
      '{ condition: state, entity_id: [light.a, light.b], match: any, state: "on" }',
      'twins.a.reported.on == true || twins.b.reported.on == true',
    ],
    [
      '{ condition: numeric_state, entity_id: sensor.a_power, above: 1, below: 9 }',
      'twins["a-power"].reported.power > 1 && twins["a-power"].reported.power < 9',
    ],
    [
      `"{{ state_attr('climate.a', 'temperature') | float - 1 >= 20 }}"`,
      '(twins.a.reported.targetTemperature - 1.0) >= 20.0',
    ],
    [
      `"{{ states('sensor.a_power') in ['unknown', 'unavailable'] }}"`,
      '(!has(twins["a-power"].reported.power) || !has(twins["a-power"].reported.power))',
    ],
    [
      `"{{ now().weekday() < 5 and now().hour >= 8 }}"`,
      '((local.weekday - 1.0) < 5.0 && local.hour >= 8.0)',
    ],
    [
      `"{{ states.light.a.state == 'on' or has_value('light.b') }}"`,
      '(twins.a.reported.on == true || has(twins.b.reported.on))',
    ],
    [
      `"{{ iif(is_state('light.a', 'on'), 1, 2) == 1 }}"`,
      '(twins.a.reported.on == true ? 1 : 2) == 1',
    ],
  ])('%s', (condition, expression) => {
    expect(ruleOf(withCondition(condition)).conditions).toEqual([{ type: 'cel', expression }]);
  });

  it('keep their and, or, not', () => {
    const { conditions } = ruleOf(
      withCondition(
        '{ or: [{ not: [{ condition: state, entity_id: light.a, state: "on" }, { condition: time, after: "08:00" }] }, { condition: time, before: "23:59:59", weekday: [sat, sun] }] }',
      ),
    );
    expect(conditions).toEqual([
      {
        type: 'or',
        of: [
          {
            type: 'not',
            of: {
              type: 'or',
              of: [
                { type: 'cel', expression: 'twins.a.reported.on == true' },
                { type: 'time', after: 480 },
              ],
            },
          },
          { type: 'time', weekdays: [6, 7] },
        ],
      },
    ]);
  });

  it.each<[string, string]>([
    ['{ condition: sun, after: sunset }', '5:18 a condition cannot ask for the sun'],
    [
      '{ condition: state, entity_id: sun.sun, state: below_horizon }',
      '5:36 expressions know nothing of the sun',
    ],
    [
      '{ condition: state, entity_id: light.a, state: "on", for: 60 }',
      '5:63 how long something has been so is not known to a condition',
    ],
    [
      '{ condition: zone, entity_id: person.a, zone: zone.home }',
      '5:18 where people are is not known',
    ],
    [`"{{ states('sensor.a_power') > 3 }}"`, '5:5 a state is used as a number'],
    [`"{{ states('light.a') | upper == 'ON' }}"`, '5:5 the filter "upper" has no counterpart'],
    [
      '"{% if true %}true{% endif %}"',
      '5:5 the template has a statement: {% if true %}true{% endif %}',
    ],
    [`"{{ states(x) == 'on' }}"`, '5:5 the entity is only known when it runs'],
    [
      '{ and: [{ condition: time, after: "08:00" }, { condition: sun, before: sunrise }] }',
      '5:63 a condition cannot ask for the sun',
    ],
  ])('%s is reported at its place', (condition, expected) => {
    expect(open(withCondition(condition))).toEqual([expected]);
  });

  it('say so where something that was not reported counts otherwise', () => {
    expect(told(withCondition(`"{{ not is_state('light.a', 'on') }}"`), 'assumed')).toContain(
      '5:5 as long as light.a has not reported, what is asked here is not true; in Home Assistant it was',
    );
  });
});

describe('actions', () => {
  it.each<[string, object[]]>([
    [
      '{ service: light.turn_on, target: { entity_id: light.a }, data: { brightness_pct: 40 } }',
      [{ set: { twin: 'a', desired: { on: true, brightness: 102 } } }],
    ],
    [
      '{ action: homeassistant.toggle, entity_id: "switch.b_c" }',
      [{ set: { twin: 'b-c', desired: { on: '${!twins["b-c"].reported.on}' } } }],
    ],
    [
      '{ action: scene.turn_on, target: { entity_id: scene.film_night }, data: { transition: 5 } }',
      [{ scene: { scene: 'film-night', transition: '5s' } }],
    ],
    ['{ scene: scene.film_night }', [{ scene: 'film-night' }]],
    ['{ delay: { minutes: 1, seconds: 30 } }', [{ delay: '1m30s' }]],
    ['{ delay: "00:00:01.5" }', [{ delay: '1s500ms' }]],
    [
      '{ wait_for_trigger: [{ trigger: time, at: "07:00" }, { trigger: sun, event: sunrise }] }',
      [{ wait: { for: [{ at: '07:00' }, { sun: 'sunrise' }] } }],
    ],
    [
      '{ parallel: [{ sequence: [{ delay: 1 }, { stop: x }] }, { delay: 2 }] }',
      [{ parallel: [[{ delay: '1s' }, { stop: 'x' }], [{ delay: '2s' }]] }],
    ],
    [
      "{ repeat: { while: \"{{ is_state('light.a', 'on') }}\", sequence: [{ delay: 5 }] } }",
      [{ repeat: { while: 'twins.a.reported.on == true', most: 1000, do: [{ delay: '5s' }] } }],
    ],
    [
      '{ variables: { level: "{{ states(\'sensor.l\') | int }}", who: x } }',
      [{ let: { level: '${double(int(twins.l.reported.l))}' } }, { let: { who: 'x' } }],
    ],
    [
      '{ action: light.turn_on, enabled: false, entity_id: light.a }\n  - delay: 1',
      [{ delay: '1s' }],
    ],
    [
      '{ device_id: d, domain: switch, type: turn_off, entity_id: switch.b }',
      [{ set: { twin: 'b', desired: { on: false } } }],
    ],
  ])('%s', (action, expected) => {
    const { definition, rule } = {
      definition: ruleOf(withAction(action)),
      rule: parseRule({
        rule: 't',
        name: 'T',
        triggers: [{ twin: 'a', path: 'reported.on', to: true }],
        actions: expected,
      }).value,
    };
    expect(definition).toEqual(rule);
  });

  it.each<[string, string]>([
    [
      '{ action: mqtt.publish, data: { topic: a, payload: b } }',
      '5:15 mqtt.publish has no counterpart',
    ],
    ['{ action: script.good_night }', '5:15 script.good_night has no counterpart'],
    [
      '{ action: light.turn_on, target: { area_id: kitchen } }',
      '5:49 which entities the area "kitchen" has is known to Home Assistant only',
    ],
    [
      '{ action: light.turn_on, target: { entity_id: "{{ x }}" } }',
      '5:51 the entity is a template, which has to be known beforehand',
    ],
    [
      '{ action: light.turn_on, target: { entity_id: light.a }, data: { flash: short } }',
      '5:70 "flash" of light.turn_on has no counterpart',
    ],
    [
      '{ action: climate.set_hvac_mode, target: { entity_id: climate.a }, data: { hvac_mode: "off" } }',
      '5:59 a thermostat has no set_hvac_mode: it has a target, and its room has modes',
    ],
    [
      '{ action: cover.open_cover, target: { entity_id: cover.a } }',
      '5:54 nothing can be assumed of cover.a',
    ],
    ['{ repeat: { for_each: [a, b], sequence: [] } }', '5:27 there is no loop over a list'],
    ['{ event: my_event }', '5:14 there is no bus of events to fire "my_event" on'],
    [
      '{ delay: "{{ states(\'input_number.x\') }}" }',
      "5:14 the delay is a template, and a rule's times are fixed",
    ],
    ['{ frobnicate: 1 }', '5:5 nothing is known of an action with "frobnicate"'],
    [
      '{ choose: [{ conditions: [{ condition: sun, after: sunset }], sequence: [{ delay: 1 }] }] }',
      '5:44 a condition cannot ask for the sun',
    ],
    [
      '{ action: notify.me, data: { message: "{{ trigger.to_state.attributes.x }}" } }',
      '5:43 trigger.to_state.attributes.x has no counterpart',
    ],
  ])('%s is reported at its place', (action, expected) => {
    expect(open(withAction(action))).toEqual([expected]);
  });
});

describe('an automation', () => {
  it('that is not whole cannot go live, and says why in its text', () => {
    const { rules, isComplete } = imported(withCondition('{ condition: sun, after: sunset }'));
    const [rule] = rules;
    expect(isComplete).toBe(false);
    expect(rule?.file).toBe('t.yaml.incomplete');
    expect(rule?.text).toContain('#   5:18 a condition cannot ask for the sun');
    expect(readRule(rule?.text ?? '').problems).toEqual([
      expect.objectContaining({ place: ['conditions', 0], line: 12 }) as unknown,
    ]);
  });

  it.each<[string, object]>([
    ['mode: queued\nmax: 5', { mode: 'queued', most: 4 }],
    ['mode: queued', { mode: 'queued', most: 9 }],
    ['mode: parallel\nmax: 3\nmax_exceeded: silent', { mode: 'parallel', most: 3 }],
    ['mode: restart', { mode: 'restart' }],
    ['trace: { stored_traces: 5 }', { mode: 'single' }],
  ])('keeps its mode: %s', (head, expected) => {
    expect(ruleOf(`${head}\n${withTrigger('{ trigger: time, at: "07:00" }')}`)).toMatchObject(
      expected,
    );
  });

  it.each<[string, string]>([
    [
      'initial_state: false',
      '1:16 it is switched off when Home Assistant starts, and a rule that is put is switched on',
    ],
    ['trigger_variables: { x: 1 }', '1:1 "trigger_variables" of an automation has no counterpart'],
    ['mode: sometimes', '1:7 "sometimes" is no mode'],
  ])('reports what it cannot keep: %s', (head, expected) => {
    expect(open(`${head}\n${withTrigger('{ trigger: time, at: "07:00" }')}`)).toEqual([expected]);
  });

  it('that is made from a blueprint, or does nothing, is incomplete', () => {
    expect(open('- alias: B\n  use_blueprint: { path: a.yaml, input: { x: !input y } }\n')).toEqual(
      [
        '1:3 it has no trigger that is switched on',
        '1:3 it has no action that is switched on',
        '2:3 it is made from a blueprint, which says what it does',
      ],
    );
  });

  it('has a name apart from others, and from the twins that it speaks of', () => {
    const one = (alias: string) =>
      `- alias: "${alias}"\n  triggers: [{ trigger: state, entity_id: light.hall, to: "on" }]\n  actions: [{ delay: 1 }]\n`;
    expect(
      imported(`${one('Hall')}${one('Küche & Bad!')}${one('küche  bad')}${one('***')}`).rules.map(
        ({ file }) => file,
      ),
    ).toEqual(['hall-rule.yaml', 'kuche-bad.yaml', 'kuche-bad-2.yaml', 'automation.yaml']);
  });

  it('may stand in a package, with keys that are there twice and merged ones', () => {
    const text = `
automation lights: &a
  - &x
    alias: One
    alias: Two
    triggers: [{ trigger: time, at: "07:00" }]
    actions: [{ delay: 1 }]
automation more:
  - <<: *x
    alias: Three
automation: !include automations.yaml
script: {}
`;
    const { rules, report, isComplete } = imported(text);
    expect(rules.map(({ file }) => file)).toEqual(['two.yaml', 'three.yaml']);
    expect(isComplete).toBe(false);
    expect(report).toContain('11:13 !include automations.yaml: its automations stand elsewhere');
    expect(report).toContain('4:5 "alias" is there twice: the last counts, as in Home Assistant');
  });

  it('is refused with the place where it is no YAML, and with what to give where it is something else', () => {
    expect(() => imported('- a: [\n- b')).toThrow(/^a\.yaml:2:1: this is no YAML/);
    expect(() => imported('light: {}')).toThrow(
      'a.yaml holds no automations: at its top there is "light"',
    );
    expect(() => imported('just words')).toThrow(ImportError);
    expect(() => imported('- x', 'light.a: { twin: a, pat: reported.on }')).toThrow(
      'entities.yaml:1:21: light.a.pat: "pat" means nothing here; did you mean "path"?',
    );
  });
});

describe('entities', () => {
  it('can be written as a map, changed, and given back', () => {
    const text = withTrigger('{ trigger: state, entity_id: [light.a, person.b], to: "on" }');
    const { entities } = imported(text);
    expect(entities).toContain(
      'light.a: { twin: a, path: reported.on, values: { on: true, off: false }',
    );
    expect(entities).toContain('# person.b: { twin: … }');
    const changed = entities
      .replace('twin: a,', 'twin: lamp,')
      .replace(
        /# person\.b.*/,
        'person.b: { twin: b, path: reported.occupancy, values: { "on": true } }',
      );
    expect(ruleOf(text, changed).triggers).toMatchObject([{ twin: ['lamp'] }, { twin: ['b'] }]);
    expect(told(text, 'assumed', changed)).toEqual([]);
  });
});

// ── whatever is given ────────────────────────────────────────────────────────────────────────

const WORDS = [
  ...[
    'state',
    'numeric_state',
    'time',
    'sun',
    'template',
    'trigger',
    'and',
    'or',
    'not',
    'device',
    'webhook',
  ],
  ...[
    'light.a',
    'sensor.b_power',
    'binary_sensor.c_door',
    'climate.d',
    'person.e',
    'sun.sun',
    'all',
    'scene.f',
  ],
  ...[
    'light.turn_on',
    'light.toggle',
    'climate.set_temperature',
    'notify.x',
    'scene.turn_on',
    'script.y',
  ],
  ...[
    'on',
    'off',
    'unavailable',
    '07:30',
    '23:59:59',
    '00:05:00',
    '/5',
    'sunset',
    'constructor',
    '__proto__',
    '${',
    '${x}',
  ],
  ...[
    "{{ is_state('light.a', 'on') }}",
    "{{ states('sensor.b_power') | float(0) > 3 }}",
    '{{ trigger.to_state.state }}',
    '{{ (',
    '{% if %}',
    '{{ now().hour }}',
  ],
];
const KEYS = [
  ...[
    'alias',
    'id',
    'mode',
    'max',
    'triggers',
    'trigger',
    'conditions',
    'condition',
    'actions',
    'action',
    'service',
    'platform',
  ],
  ...[
    'entity_id',
    'to',
    'from',
    'not_from',
    'not_to',
    'for',
    'above',
    'below',
    'attribute',
    'at',
    'weekday',
    'minutes',
    'hours',
  ],
  ...[
    'state',
    'value_template',
    'after',
    'before',
    'and',
    'or',
    'not',
    'target',
    'data',
    'area_id',
    'message',
    'temperature',
  ],
  ...[
    'delay',
    'wait_template',
    'wait_for_trigger',
    'timeout',
    'choose',
    'default',
    'sequence',
    'if',
    'then',
    'else',
    'repeat',
  ],
  ...[
    'count',
    'while',
    'until',
    'for_each',
    'parallel',
    'variables',
    'stop',
    'event',
    'scene',
    'enabled',
    'device_id',
    'type',
  ],
  ...['webhook_id', 'event', 'offset', 'constructor', '__proto__', 'untranslated'],
];
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom<unknown>(...WORDS, true, false, null, 0, 5, -1, 1.5),
    fc.array(tie('node'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...KEYS), tie('node')), { maxLength: 5 })
      .map((entries) => Object.fromEntries(entries) as unknown),
  ),
}));
const FUZZ = Number(process.env.FUZZ_RUNS ?? 1);
const RUNS = 300 * FUZZ;
const TIMEOUT = { timeout: 30_000 * FUZZ };

describe('whatever is given', () => {
  it('what comes out is a rule, or is refused for what was left open', TIMEOUT, () => {
    const automation = fc.record({
      alias: fc.constantFrom<unknown>(...WORDS),
      triggers: node,
      conditions: node,
      actions: node,
    });
    fc.assert(
      fc.property(fc.array(automation, { minLength: 1, maxLength: 2 }), (automations) => {
        const { rules, report } = imported(stringify(automations));
        expect(rules).toHaveLength(automations.length);
        for (const { file, text, account } of rules) {
          const { value, problems } = readRule(text);
          expect(value !== null, `${text}${JSON.stringify(problems)}`).toBe(account.isComplete);
          expect(file.endsWith('.incomplete')).toBe(!account.isComplete);
          expect(report).toContain(file);
          expect(JSON.stringify(account.findings)).not.toContain('is refused: ');
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('texts that are no automations at all are refused, and nothing else', TIMEOUT, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('a: &a [*a]', '[[[[', '? [x]\n: y\n', '- !input\n  a: b'),
          node.map((one) => stringify(one)),
        ),
        (text) => {
          try {
            imported(text);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(ImportError);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});
