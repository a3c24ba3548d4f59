/**
 * What a rule is: the schema of what an author writes (input) and, as its output, the canonical form that is
 * stored and run: durations in ms, times of day in minutes, each trigger, condition and action with its `type`.
 */
import { z } from 'zod';
import { action } from './actions/index.ts';
import { condition } from './conditions/condition.ts';
import { type Read, readData, readText } from './language/read.ts';
import { expression, json, twinName } from './language/schemas.ts';
import { trigger } from './triggers/index.ts';

const definition = z
  .strictObject({
    rule: twinName.describe('The id of the rule, which is a twin of its home'),
    name: z.string().max(200).optional(),
    description: z.string().max(2_000).optional(),
    mode: z
      .enum(['single', 'restart', 'queued', 'parallel'])
      .default('single')
      .describe('What happens when it is triggered while it runs'),
    most: z
      .int()
      .min(1)
      .max(50)
      .default(10)
      .describe('Runs at once (parallel) or waiting (queued)'),
    key: expression.optional().describe('The mode counts for each value of this apart'),
    priority: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('Who prevails where two want different things of a twin; people have 50'),
    triggers: z.array(trigger).min(1).max(50),
    conditions: z.array(condition).default([]),
    actions: z.array(action).min(1).max(200),
  })
  .transform(json);
export type Definition = z.output<typeof definition>;

/** Reads a rule from YAML, or from JSON, which is YAML too. */
export function readRule(text: string): Read<Definition> {
  return readText(text, definition);
}

/** The same for what is data already, as from a JSON body. */
export function parseRule(given: unknown): Read<Definition> {
  return readData(given, definition);
}

/** JSON Schema (draft 2020-12) of a rule as it is written: for editors. */
export function ruleSchema(): Record<string, unknown> {
  return { title: 'Homeostat rule', ...z.toJSONSchema(definition, { io: 'input' }) };
}
