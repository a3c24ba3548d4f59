import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtInKinds as kinds } from '../../../api/kinds/built-in.ts';
import { runTests } from './run-tests.ts';

const COOKBOOK = new URL('../../../docs/cookbook/', import.meta.url);
const load = (path: string) => readFileSync(new URL(path, COOKBOOK), 'utf8');
const files = readdirSync(COOKBOOK).filter((name) => name.endsWith('.test.yaml'));

describe('the cookbook', () => {
  it.each(files)('%s', async (file) => {
    const outcomes = await runTests(load(file), load, kinds);
    expect(outcomes.filter(({ failure }) => failure !== null)).toEqual([]);
  });

  it('has a test for each of its recipes', () => {
    const recipes = readdirSync(COOKBOOK).filter((name) => /^[^.]+\.yaml$/.test(name));
    const tested = new Set(
      files.flatMap((file) => [...load(file).matchAll(/[\w-]+\.yaml/g)].map(String)),
    );
    expect(recipes.filter((name) => !tested.has(name))).toEqual([]);
    const readme = load('README.md');
    expect(recipes.filter((name) => !readme.includes(`(${name})`))).toEqual([]);
  });
});

describe('the blueprints of the cookbook', () => {
  const folder = new URL('blueprints/', COOKBOOK);
  const loadOne = (path: string) => readFileSync(new URL(path, folder), 'utf8');
  const tests = readdirSync(folder).filter((name) => name.endsWith('.test.yaml'));

  it.each(tests)('%s', async (file) => {
    const outcomes = await runTests(loadOne(file), loadOne, kinds);
    expect(outcomes.filter(({ failure }) => failure !== null)).toEqual([]);
  });

  it('have a test each, and a line', () => {
    const texts = readdirSync(folder).filter((name) => /^[^.]+\.yaml$/.test(name));
    const used = tests.map(loadOne).join();
    expect(texts.filter((name) => !used.includes(name))).toEqual([]);
    const blueprints = texts.filter((name) => loadOne(name).includes('\nrule:\n'));
    const readme = load('README.md');
    expect(blueprints.length).toBeGreaterThan(1);
    expect(blueprints.filter((name) => !readme.includes(`(blueprints/${name})`))).toEqual([]);
  });
});

const RULE = `rule: r
triggers: [{ twin: a, path: reported.contact, to: false, for: 10m }]
actions: [{ set: { twin: lamp, desired: { on: true } } }, { alert: { key: open, message: "a is open" } }]
`;
const BLUEPRINT = `blueprint: b
inputs: { lamp: { type: twin } }
rule: { triggers: [{ every: 1h }], actions: [{ set: { twin: !input lamp, desired: { on: true } } }] }
`;
const file = (steps: string, more = '') => `rules: [r.yaml]
twins:
  a: { kind: sensor }
  lamp: { kind: relay, reported: { on: false }${more} }
tests:
  - test: it
    at: 2026-03-29 01:30
    steps:
${steps
  .trim()
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
`;

describe('a test', () => {
  it.each<[string, string, string | null]>([
    [
      'passes',
      '- report: { a: { contact: false } }\n- pass: 10m\n- expect: { runs: { r: 1 }, alerts: ["r:open"] }',
      null,
    ],
    [
      'says at which step, and when, something is otherwise',
      '- report: { a: { contact: false } }\n- pass: 9m\n- expect: { runs: { r: 1 } }',
      'step 3, 9m after the start: r has run 0 times, expected 1',
    ],
    [
      'says what a twin shows',
      '- report: { a: { contact: false } }\n- pass: 10m\n- expect: { twins: { lamp: { reported: { on: false } } } }',
      'step 3, 10m after the start: reported of lamp is {"on":true}, expected {"on":false}',
    ],
    [
      'says what was done',
      '- report: { a: { contact: false } }\n- pass: 10m\n- expect: { did: [], commands: [], alerts: [] }',
      'step 3, 10m after the start: did set lamp {"on":true}, alert open: a is open, expected nothing; ' +
        'commands lamp switch {"on":true}, expected nothing; alerts are r:open, expected nothing',
    ],
    [
      'knows the local time over a change of clocks',
      '- report: { a: { contact: false } }\n- until: "03:05"\n- expect: { runs: { r: 1 } }',
      null,
    ],
    [
      'runs a rule by hand, and sends events',
      '- run: r\n- event: { twin: lamp, type: toggle }\n- expect: { runs: { r: 1 }, twins: { lamp: { desired: { on: false } } } }',
      null,
    ],
    [
      'tells what is wanted',
      '- desire: { lamp: { on: true } }\n- expect: { commands: [\'lamp switch {"on":true}\'] }',
      null,
    ],
    [
      'refuses what a twin refuses',
      '- report: { a: { contact: 3 } }',
      'telemetry: contact: Invalid input: expected boolean, received number',
    ],
    [
      'knows its twins only',
      '- expect: { twins: { b: { reported: {} } } }',
      'there is no twin "b" in this test',
    ],
  ])('%s', async (_what, steps, failure) => {
    expect(await runTests(file(steps), () => RULE, kinds)).toEqual([{ test: 'it', failure }]);
  });

  it('can have devices that do not obey', async () => {
    const steps =
      '- run: r\n- pass: 2m\n- expect: { twins: { lamp: { reported: { on: false } } }, alerts: [lamp:not-responding, r:open] }';
    expect(await runTests(file(steps, ', silent: true'), () => RULE, kinds)).toEqual([
      { test: 'it', failure: null },
    ]);
  });

  it.each([
    [
      'a file that is none',
      'rules: [r.yaml]\ntests:\n  - test: a\n    stepps: []\n',
      RULE,
      'the file',
      '4:5: tests[0].stepps: "stepps" means nothing here',
    ],
    [
      'a rule that is none',
      file('- pass: 1m'),
      'rule: r',
      'it',
      'r.yaml:1:1: triggers: is missing',
    ],
    [
      'values that do not fit',
      `blueprints: [b.yaml]\n${file('- pass: 1m')}`,
      'rule: r\nblueprint: b\ninputs: { lamp: lmap }\n',
      'it',
      'r.yaml:3:11: inputs.lamp: there is no twin "lmap"; did you mean "lamp"?',
    ],
    [
      'a rule that does not fit',
      file('- pass: 1m'),
      RULE.replace('twin: lamp', 'twin: lmap'),
      'it',
      'r.yaml:3:20: actions[0].set.twin: there is no twin "lmap"; did you mean "lamp"?',
    ],
  ])('of %s says what is wrong, and where', async (_what, text, rule, test, failure) => {
    const loadIt = (path: string) => (path === 'b.yaml' ? BLUEPRINT : rule);
    expect(await runTests(text, loadIt, kinds)).toEqual([
      { test, failure: expect.stringContaining(failure) },
    ]);
  });
});
