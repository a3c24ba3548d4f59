/** A rule as somebody sends it, and what comes of it. */
import { z } from 'zod';
import { AnyObject } from '../../contract/json-value.ts';
import type { Placed } from '../../contract/route.ts';
import { Rule, RuleProblemValue, toProblem, toRule } from './rule-resource.ts';

export const SOURCE = `rule: hall-light
triggers:
  - { twin: hall-motion, path: reported.occupancy, to: true }
actions:
  - set: { twin: lamp, desired: { on: true } }
`;

export const GivenRule = z
  .union([
    z.strictObject({
      source: z.string().max(100_000).describe('The rule as YAML, or JSON, text.'),
    }),
    z.strictObject({
      definition: AnyObject.describe('The same as data: see GET /v1/rules/schema.'),
    }),
    z.strictObject({
      blueprint: z.string().max(64).describe('The id of a blueprint of the home.'),
      inputs: AnyObject.optional().describe('A value for each of its inputs.'),
      rule: z.string().max(64).optional().describe('The id of the rule. Default: as addressed.'),
      name: z.string().max(200).optional(),
    }),
  ])
  .meta({ id: 'GivenRule', examples: [{ source: SOURCE }] });

export const LiveRule = Rule.extend({
  problems: z.array(RuleProblemValue).describe('Warnings.'),
}).meta({
  id: 'LiveRule',
  description: 'A rule that has just been made live.',
});

type Put = Parameters<typeof toRule>[0];

/** A rule, or a draft, that has been put in its place. */
export function placedRule({
  made,
  reading,
  problems,
}: {
  made: boolean;
  reading: Put;
  problems: readonly Parameters<typeof toProblem>[0][];
}): Placed<z.input<typeof LiveRule>> {
  return { made, body: { ...toRule(reading), problems: problems.map(toProblem) } };
}
