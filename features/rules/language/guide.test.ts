import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { programOf } from '../kind/program.ts';
import { readRule, ruleSchema } from '../rule-definition.ts';
import { printProblem } from './problem.ts';

const GUIDE = readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8');
const BLOCKS = [...GUIDE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => String(text));

/** A part of a rule as a whole one. */
const REST = {
  triggers: 'rule: x\nactions: [{ stop: true }]\n',
  conditions: 'rule: x\ntriggers: [{ every: 1h }]\nactions: [{ stop: true }]\n',
  actions: 'rule: x\ntriggers: [{ every: 1h }]\n',
  rule: '',
};

it.each(BLOCKS.map((text) => [text.split('\n', 1)[0], text]))(
  'the guide shows what a rule may say: %s',
  (_first, text) => {
    const part = String(text).split(':', 1)[0] as keyof typeof REST;
    const { value, problems } = readRule(`${REST[part]}${text}`);
    expect(problems.map(printProblem)).toEqual([]);
    if (value) programOf(value);
  },
);

it('the guide shows every trigger and action of the language', () => {
  const schema = ruleSchema() as {
    properties: Record<string, { items: Choice }>;
    $defs: Record<string, Choice>;
  };
  const shown = BLOCKS.join('\n');
  const words = [schema.properties.triggers?.items, schema.$defs.Action].flatMap(wordsOf);
  expect(words.length).toBeGreaterThan(25);
  expect(
    words.filter((word) => !new RegExp(`\\b${word}:`).test(shown)),
    'docs/rules.md shows each of them in a block of YAML',
  ).toEqual([]);
});

interface Choice {
  anyOf: { properties: Record<string, unknown>; required?: string[] }[];
}

/** By what the choices are told apart. */
function wordsOf(choice: Choice | undefined): string[] {
  return (choice?.anyOf ?? []).flatMap(
    ({ properties, required }) => required ?? Object.keys(properties),
  );
}
