/**
 * What a blueprint is: a rule with typed inputs, as its author writes it; and what a rule that is made from one
 * says. In the rule's body stand `{$input: name}` (in YAML `!input name`) and, within texts, `<<name>>`.
 */
import { z } from 'zod';
import { KEY, twinName } from '../language/schemas.ts';

const said = {
  title: z.string().max(200).optional().describe('What a form calls it'),
  description: z.string().max(2_000).optional(),
};
const text = z.string().max(2_000);
const fields = z.record(z.string(), z.json());

const input = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('twin'),
    ...said,
    kind: z
      .union([twinName, z.array(twinName).min(1)])
      .optional()
      .describe('The kind that it has to be, or one of several'),
    path: z
      .string()
      .regex(/^(reported|desired|settings)\.[A-Za-z0-9_-]+$/, 'is written like reported.contact')
      .optional()
      .describe('A value that it has to have, such as reported.contact'),
    several: z.literal(true).optional().describe('A list of twins'),
    default: z.union([text, z.array(text)]).optional(),
  }),
  z.strictObject({
    type: z.literal('number'),
    ...said,
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().positive().optional(),
    unit: z.string().max(40).optional(),
    default: z.number().optional(),
  }),
  z.strictObject({ type: z.literal('text'), ...said, default: text.optional() }),
  z.strictObject({ type: z.literal('boolean'), ...said, default: z.boolean().optional() }),
  z.strictObject({ type: z.literal('duration'), ...said, default: text.optional() }),
  z.strictObject({ type: z.literal('time'), ...said, default: text.optional() }),
  z.strictObject({ type: z.literal('mode'), ...said, default: text.optional() }),
  z.strictObject({
    type: z.literal('choice'),
    ...said,
    options: z.array(z.string().min(1).max(200)).min(1).max(50),
    default: text.optional(),
  }),
]);
export type Input = z.output<typeof input>;

export const inputs = z
  .record(z.string().regex(KEY, 'the name of an input is letters, digits and "_"'), input)
  .refine((given) => Object.keys(given).length <= 50, 'at most 50 inputs')
  .default({});
export type Inputs = z.output<typeof inputs>;

export const blueprint = z.strictObject({
  blueprint: twinName.describe('The id of the blueprint, which is a twin of its home'),
  name: z.string().max(200).optional(),
  description: z.string().max(2_000).optional(),
  inputs,
  rule: fields.describe('The body of a rule, without its id'),
});
export type Blueprint = z.output<typeof blueprint>;

/** A rule that is made from a blueprint. */
export const instance = z.strictObject({
  rule: twinName.describe('The id of the rule, which is a twin of its home'),
  blueprint: twinName.describe('The id of a blueprint of the home'),
  name: z.string().max(200).optional(),
  description: z.string().max(2_000).optional(),
  inputs: fields.default({}).describe('A value for each input of the blueprint'),
});
export type Instance = z.output<typeof instance>;
