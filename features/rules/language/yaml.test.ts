import { expect, it } from 'vitest';
import { parseBlueprint, readBlueprint } from '../blueprints/blueprint-text.ts';
import { parseKit, readKit } from '../kits/kit-text.ts';
import { parseRule, readRule } from '../rule-definition.ts';
import { readText } from './read.ts';
import { testFile } from './test-file.ts';

const nested = (levels: number) => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};
const itself: Record<string, unknown> = {};
itself.rule = itself;

const TEXTS = {
  'a list that holds itself': 'rule: x\ntriggers: &t [*t]\nactions: [{stop: true}]\n',
  'a map that holds itself': 'rule: &r { a: *r }\n',
  'aliases of aliases':
    'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nrule: [*c,*c,*c,*c,*c,*c]\n',
  'a few aliases of much': `a: &a ${'x'.repeat(20_000)}\nrule: [${'*a, '.repeat(20)}]\n`,
  'a hundred levels': `rule: ${'['.repeat(100)}${']'.repeat(100)}\n`,
  'lists that never end': `rule: x\ntriggers: ${'['.repeat(90_000)}`,
  'a list for each dash': `rule: x\ntriggers:\n  ${'- '.repeat(40_000)}a\n`,
  'more than any text': 'x'.repeat(100_001),
};
const READERS = {
  rule: readRule,
  blueprint: readBlueprint,
  kit: readKit,
  tests: (text: string) => readText(text, testFile),
};

it.each(
  Object.entries(TEXTS).flatMap(([what, text]) =>
    Object.entries(READERS).map(([of, read]) => ({ what, text, of, read })),
  ),
)('$what is no $of, and that is all that comes of it', ({ text, read }) => {
  const { value, problems } = read(text);
  expect(value).toBeNull();
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.length).toBeLessThan(10);
  expect(problems.every(({ message }) => message.length < 1_000)).toBe(true);
});

it.each([
  ['a value that holds itself', itself],
  ['a hundred levels', { rule: nested(100) }],
  ['much', { rule: 'x', triggers: Array(50_000).fill({ every: '1h' }) }],
])('%s is no rule, blueprint or kit as data', (_what, given) => {
  for (const parse of [parseRule, parseBlueprint, parseKit]) {
    const { value, problems } = parse(given);
    expect(value).toBeNull();
    expect(problems).toHaveLength(1);
  }
});

it('a few aliases are what they stand for', () => {
  const text =
    'rule: x\ntriggers: [&t { every: 1h, id: a }, { every: 2h }]\nactions: [{ let: { all: [*t, *t] } }]\n';
  expect(readRule(text).value?.actions).toMatchObject([
    {
      values: {
        all: [
          { every: '1h', id: 'a' },
          { every: '1h', id: 'a' },
        ],
      },
    },
  ]);
});
