import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInKinds } from '../../../api/kinds/built-in.ts';
import type { JsonObject } from '../../../engine/kind.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import { Budget } from '../expressions/budget.ts';
import { literalsOf, parseExpression } from '../expressions/expression.ts';
import { parseTemplate } from '../expressions/template.ts';
import { printProblem } from '../language/problem.ts';
import { type Definition, readRule } from '../rule-definition.ts';
import { readBlueprint, readInstance } from './blueprint-text.ts';
import { expand, instanceOf, writtenOut } from './expand.ts';
import { formOf } from './form.ts';

const LIGHT = `blueprint: motion-light
name: Light where somebody moves
inputs:
  motion: { type: twin, kind: sensor, path: reported.occupancy }
  lights: { type: twin, kind: relay, several: true, title: Lamps }
  dark: { type: number, default: 40, min: 0, max: 1000, step: 5, unit: lx }
  off: { type: duration, default: 5m }
  room: { type: text, default: the hall }
  mood: { type: choice, options: [warm, cold], default: warm }
rule:
  name: Light in <<room>>
  mode: restart
  triggers:
    - { twin: !input motion, path: reported.occupancy, to: true }
  conditions:
    - twins[<<motion>>].reported.illuminance < <<dark>>
  actions:
    - set: { twin: !input lights, desired: { on: true } }
    - wait: { for: { twin: !input motion, path: reported.occupancy, to: false, for: !input off }, timeout: 2h }
    - set: { twin: !input lights, desired: { on: false } }
    - let: { mood: !input mood }
    - notify: { title: "<<room>>", message: "Dark again in <<room>>: \${twins[<<motion>>].reported.illuminance} lx (<<mood>>)" }
`;
const twin = (id: string, kind: string, reported: JsonObject = {}): [string, KnownTwin] => [
  id,
  { id, kind, room: null, reported, desired: {}, settings: {} },
];
const HOME: HomeSnapshot = {
  kinds: new Map(builtInKinds.map((kind) => [kind.kind, kind])),
  twins: new Map([
    twin('hall-motion', 'sensor', { occupancy: false }),
    twin('lamp', 'relay'),
    twin('desk-lamp', 'relay'),
  ]),
  rules: [],
};

function known(text = LIGHT) {
  const { value, locate, problems } = readBlueprint(text);
  if (!value) throw new Error(problems.map(printProblem).join('\n'));
  return new Map([[value.blueprint, { definition: value, edition: 3, locate }]]);
}
function flawsOf(text: string): string[] {
  return readBlueprint(text).problems.map(printProblem);
}
function made(inputs: JsonObject, text = LIGHT) {
  const instance = { rule: 'hall', blueprint: 'motion-light', inputs };
  return expand(instance, known(text), HOME);
}

describe('a rule of a blueprint', () => {
  it('is what an author would have written by hand', () => {
    const { definition, origin, problems } = made({
      motion: 'hall-motion',
      lights: ['lamp', 'desk-lamp'],
      dark: 25,
    });
    expect(problems).toEqual([]);
    expect(definition).toMatchObject({
      rule: 'hall',
      name: 'Light in the hall',
      mode: 'restart',
      triggers: [{ twin: ['hall-motion'] }],
      conditions: [{ expression: 'twins["hall-motion"].reported.illuminance < 25' }],
      actions: [
        { type: 'set', twin: ['lamp', 'desk-lamp'] },
        { type: 'wait', for: [{ for: 300_000 }] },
        { type: 'set' },
        { values: { mood: 'warm' } },
        {
          title: 'the hall',
          message: 'Dark again in the hall: ${twins["hall-motion"].reported.illuminance} lx (warm)',
        },
      ],
    });
    expect(origin).toEqual({
      blueprint: 'motion-light',
      edition: 3,
      inputs: { motion: 'hall-motion', lights: ['lamp', 'desk-lamp'], dark: 25 },
    });
  });

  it('can be written out, to become one of its own', () => {
    const inputs = { motion: 'hall-motion', lights: ['lamp'] };
    const { origin, definition } = made(inputs);
    const text = writtenOut(instanceOf('hall', origin!), known().get('motion-light')!);
    expect(readInstance(text)).toBeNull();
    expect(readRule(text).value).toEqual(definition);
  });

  it.each<[string, JsonObject, string[]]>([
    [
      'misses values',
      {},
      ['inputs.motion: is missing: motion (twin)', 'inputs.lights: is missing: Lamps (twin)'],
    ],
    [
      'names what is not there',
      { motion: 'hall-moton', lights: ['lamp'], drak: 3 },
      [
        'inputs.drak: there is no input "drak"; did you mean "dark"?',
        'inputs.motion: there is no twin "hall-moton"; did you mean "hall-motion"?',
      ],
    ],
    [
      'names what is something else',
      { motion: 'lamp', lights: 'lamp', dark: 41 },
      [
        'inputs.motion: "lamp" is a relay, and has to be a sensor',
        'inputs.lights: has to be a list of twins',
        'inputs.dark: goes in steps of 5 lx from 0',
      ],
    ],
    [
      'says what is of another type',
      { motion: 'hall-motion', lights: ['lamp'], off: 5, mood: 'wram', room: 7, dark: -1 },
      [
        'inputs.dark: has to be 0 lx or more',
        'inputs.off: has to be a duration such as 30s, 10m, 1h30m',
        'inputs.room: has to be a text',
        'inputs.mood: is not "wram"; did you mean "warm"?',
      ],
    ],
  ])('that %s is refused at the input', (_what, inputs, problems) => {
    const { definition, problems: found } = made(inputs);
    expect(definition).toBeNull();
    expect(found.map(printProblem)).toEqual(problems);
  });

  it('is refused with line and column: of what was given, or of the blueprint', () => {
    const text = `rule: hall\nblueprint: motion-light\ninputs:\n  motion: hall-motion\n  lights: [lmap]\n`;
    const read = readInstance(text)!;
    expect(expand(read.value!, known(), HOME, read.locate).problems).toMatchObject([
      { message: 'there is no twin "lmap"; did you mean "lamp"?', line: 5, column: 12 },
    ]);
    const wrong = LIGHT.replace('desired: { on: true }', 'desired: { no: true }');
    const { problems } = made({ motion: 'hall-motion', lights: ['lamp'] }, wrong);
    expect(problems).toMatchObject([
      { blueprint: 'motion-light', line: 18, message: expect.stringContaining('takes no "no"') },
    ]);
    expect(printProblem(problems[0]!)).toMatch(/^blueprint "motion-light": 18:/);
    // The value is at fault where the blueprint could not know it
    const loose = LIGHT.replace(', kind: relay, several: true', ', several: true');
    expect(
      made({ motion: 'hall-motion', lights: ['hall-motion'] }, loose).problems[0],
    ).toMatchObject({
      message: expect.stringContaining('nothing can be set'),
      blueprint: 'motion-light',
    });
    expect(
      expand({ rule: 'a', blueprint: 'motion-lihgt', inputs: {} }, known(), HOME).problems,
    ).toMatchObject([{ message: expect.stringContaining('did you mean "motion-light"?') }]);
  });
});

describe('a blueprint', () => {
  it('says which input is not there', () => {
    const text = LIGHT.replace('to: true }\n  cond', 'to: !input oof }\n  cond');
    expect(flawsOf(text)).toEqual([
      '14:56: rule.triggers[0].to: there is no input "oof"; did you mean "off"?',
    ]);
  });

  it('says where it is no rule, whatever it is given', () => {
    expect(flawsOf(LIGHT.replace('mode: restart', 'mode: restrat'))).toEqual([
      '12:3: rule.mode: has to be "single" or "restart" or "queued" or "parallel"; did you mean "restart"?',
    ]);
    expect(flawsOf(LIGHT.replace('default: 5m', 'default: 5x'))).toEqual([
      '7:26: inputs.off.default: has to be a duration such as 30s, 10m, 1h30m',
    ]);
    expect(flawsOf(LIGHT.replace('  mood: {', '  unused: { type: text }\n  mood: {'))).toEqual([
      '9:3: warning: inputs.unused: is used nowhere',
    ]);
    expect(flawsOf(LIGHT.replace('  mode:', '  rule: hall\n  mode:'))[0]).toContain(
      'whoever uses the blueprint says the id',
    );
    expect(flawsOf(LIGHT.replace('{ on: true }', '{ <<mood>>: true }'))[0]).toContain(
      'an input cannot be a name here, only a value',
    );
  });

  it.each([
    'twins.lamp.state == "<<room>>"',
    'twins.lamp.state == r<<room>>',
    'twins.lamp.state == ""<<room>>""',
    'twins.lamp.state == "a" + "b<<room>>"',
    'twins.lamp.state == """ <<room>> """',
    'twins.lamp.state == <<room>><<room>>',
    'x<<room>>',
    "twins.lamp.state == '<<room>>'",
  ])('does not let a value into a part of an expression: %s', (condition) => {
    const text = LIGHT.replace(
      'twins[<<motion>>].reported.illuminance < <<dark>>',
      JSON.stringify(condition),
    );
    expect(readBlueprint(text).value).toBeNull();
  });

  it('says as JSON Schema what it has to be given', () => {
    expect(formOf(known().get('motion-light')!.definition.inputs)).toMatchObject({
      type: 'object',
      required: ['motion', 'lights'],
      additionalProperties: false,
      properties: {
        motion: { type: 'string', 'x-input': 'twin', 'x-kind': 'sensor' },
        lights: { type: 'array', title: 'Lamps', items: { type: 'string', 'x-kind': 'relay' } },
        dark: { type: 'number', default: 40, minimum: 0, maximum: 1000, 'x-unit': 'lx' },
        mood: { type: 'string', enum: ['warm', 'cold'] },
      },
    });
  });
});

const TEXT = `blueprint: texts
inputs:
  a: { type: text }
  b: { type: text }
rule:
  name: <<a>>
  triggers:
    - { every: 1h }
    - { twin: lamp, path: reported.on, to: !input a }
    - { event: telemetry, twin: lamp, where: trigger.event.x == <<a>> }
  conditions:
    - trigger.id == <<a>> || twins["lamp"].reported.power < size(<<b>>)
    - !input a
    - { or: ["vars.x == [<<a>>, <<b>>]", { not: "<<a>> == <<b>>" }] }
  actions:
    - if: <<a>> != <<b>>
      then:
        - notify: { title: !input a, message: "$<<a>><<b>> \${<<b>> + trigger.id} \${{'k': <<a>>}['k']} <<a>>" }
        - let: { whole: "<<a>>", inner: { list: [!input b, "x<<a>>"] } }
      else:
        - stop: <<a>>
`;
/** What is nasty somewhere: quotes, escapes, markers, braces. */
const nasty = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc
      .array(
        fc.constantFrom(
          ...['"', "'", '\\', '${', '}', '{', '$', '<<a>>', '<<b>>', '"""', ' || true || '],
          ...['${twins.x.state}', 'r"', '!input a', '\n', '\t', '`', 'true', '//', '", "'],
        ),
        { maxLength: 6 },
      )
      .map((parts) => parts.join('')),
  )
  .filter((text) => !/\p{Cs}/u.test(text) && !/(?![\n\t])\p{Cc}/u.test(text));

/** Everything of a rule but the texts that are values. */
function structureOf(value: unknown): unknown {
  if (typeof value === 'string') return '';
  if (Array.isArray(value)) return value.map(structureOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, structureOf(one)]));
}

/** What an expression reads, and which literals it has. */
function expressionOf(text: string) {
  return {
    operands: parseExpression(text).operands.map((one) => one.text),
    literals: literalsOf(text),
  };
}

function expressionsOf({ triggers, conditions, actions }: Definition): string[] {
  const [first, , third] = conditions as unknown as [
    { expression: string },
    unknown,
    { of: [{ expression: string }, { of: { expression: string } }] },
  ];
  const [branch] = actions as unknown as [{ condition: { expression: string } }];
  return [
    (triggers[2] as unknown as { where: string }).where,
    first.expression,
    third.of[0].expression,
    third.of[1].of.expression,
    branch.condition.expression,
  ];
}

describe('a text that is given', () => {
  const texts = known(TEXT);
  const expanded = (a: string, b: string) => {
    const instance = { rule: 'r', blueprint: 'texts', inputs: { a, b } };
    const { definition, problems } = expand(instance, texts, null);
    if (!definition) throw new Error(problems.map(printProblem).join('\n'));
    return definition;
  };
  const plain = expanded('plain', 'text');

  it('never changes the structure of a rule', () => {
    fc.assert(
      fc.property(nasty, nasty, (a, b) => {
        const definition = expanded(a, b);
        expect(structureOf(definition)).toEqual(structureOf(plain));
        for (const [at, text] of expressionsOf(definition).entries()) {
          const before = expressionOf(expressionsOf(plain)[at]!);
          const after = expressionOf(text);
          expect(after.operands).toEqual(before.operands);
          const given = (one: unknown) => (one === 'plain' ? a : one === 'text' ? b : one);
          expect(after.literals).toEqual(before.literals.map(given));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is shown as it was given, wherever a template stands', () => {
    fc.assert(
      fc.property(nasty, nasty, (a, b) => {
        const [branch] = expanded(a, b).actions as unknown as [
          { then: [{ title: string; message: string }, { values: JsonObject }] },
        ];
        const scope = { roots: { trigger: { id: 'T' } }, now: 0, budget: new Budget() };
        const filled = (value: never) => {
          const result = parseTemplate(value).fill(scope);
          if (!result.ok) throw new Error(result.reason);
          return result.value;
        };
        const [notify, { values }] = branch.then;
        expect(filled(notify.title as never)).toBe(a);
        expect(filled(notify.message as never)).toBe(`$${a}${b} ${b}T ${a} ${a}`);
        expect(filled(values as never)).toEqual({ whole: a, inner: { list: [b, `x${a}`] } });
      }),
      { numRuns: 300 },
    );
  });
});
