/** What a kit is: twins, scenes, plans, blueprints and rules that come and go together. */
import { z } from 'zod';
import { inputs } from '../blueprints/blueprint-definition.ts';
import { twinName } from '../language/schemas.ts';

const fields = z.record(z.string(), z.json());
const name = z.string().min(1).max(200);
const parts = z.record(twinName, fields).default({});
const MAX_PARTS = 300;

/** A kit as its author writes it. Its parts are looked at once the inputs have their values. */
export const kit = z
  .strictObject({
    kit: twinName.describe('The id of the kit, which is a twin of its home'),
    version: z.string().min(1).max(40).describe('In quotes, such as "1.2"'),
    name: name.optional(),
    description: z.string().max(2_000).optional(),
    needs: z
      .strictObject({ kinds: z.array(twinName).max(50).default([]) })
      .default({ kinds: [] })
      .describe('What has to be there, such as kinds of the operator’s own'),
    inputs,
    twins: parts.describe('By id: kind, name, room, settings, desired'),
    scenes: parts.describe('By id: entries, as twins of kind scene have them'),
    schedules: parts.describe('By id: weekly and exceptions, as twins of kind schedule have them'),
    blueprints: z.array(fields).default([]),
    rules: z.array(fields).default([]).describe('Rules, of their own or made from a blueprint'),
  })
  .refine(
    ({ twins, scenes, schedules, blueprints, rules }) =>
      [twins, scenes, schedules].reduce((sum, one) => sum + Object.keys(one).length, 0) +
        blueprints.length +
        rules.length <=
      MAX_PARTS,
    `at most ${MAX_PARTS} parts`,
  );
export type Kit = z.output<typeof kit>;

const room = twinName.optional();
/** A twin of a kit, with the inputs' values in it. */
export const kitTwin = z.union([
  z.strictObject({
    kind: twinName,
    existing: z.literal(true).describe('It is there already, stays as it is, and is not removed'),
  }),
  z.strictObject({
    kind: twinName,
    name: name.optional(),
    room,
    settings: fields.optional(),
    desired: fields.optional().describe('What it is to want when it comes into being'),
  }),
]);
export const kitScene = z.strictObject({
  name: name.optional(),
  room,
  entries: z.record(twinName, fields),
  transitionMs: z.number().optional(),
});
export const kitSchedule = z.strictObject({
  name: name.optional(),
  room,
  weekly: z.json().optional(),
  exceptions: z.json().optional(),
});
