/** Conditions: what an author writes, and their canonical form. */
import { z } from 'zod';
import type { Part } from '../language/part.ts';
import { expression, json, oneOrMore, timeOfDay, weekdays } from '../language/schemas.ts';

export type Condition =
  | { type: 'cel'; expression: string }
  | { type: 'time'; after?: number; before?: number; weekdays?: number[] }
  | { type: 'mode'; mode: string[] }
  | { type: 'and' | 'or'; of: Condition[] }
  | { type: 'not'; of: Condition };
export type ConditionInput =
  | string
  | { after?: string | undefined; before?: string | undefined; weekdays?: string[] | undefined }
  | { mode: string | string[] }
  | { and: ConditionInput[] }
  | { or: ConditionInput[] }
  | { not: ConditionInput };

export const condition: z.ZodType<Condition, ConditionInput> = z
  .union([
    expression.transform((text): Condition => ({ type: 'cel', expression: text })),
    z
      .strictObject({
        after: timeOfDay.optional(),
        before: timeOfDay.optional(),
        weekdays: weekdays.optional(),
      })
      .refine(({ after, before, weekdays: days }) => after ?? before ?? days, {
        message: 'give "after", "before", "weekdays" or several of them',
        path: ['after'],
      })
      .transform((given): Condition => json({ type: 'time' as const, ...given })),
    z
      .strictObject({ mode: oneOrMore(z.string()) })
      .transform((given): Condition => ({ type: 'mode', ...given })),
    z
      .strictObject({ and: z.array(z.lazy(() => condition)).min(1) })
      .transform(({ and }): Condition => ({ type: 'and', of: and })),
    z
      .strictObject({ or: z.array(z.lazy(() => condition)).min(1) })
      .transform(({ or }): Condition => ({ type: 'or', of: or })),
    z
      .strictObject({ not: z.lazy(() => condition) })
      .transform(({ not }): Condition => ({ type: 'not', of: not })),
  ])
  .meta({ id: 'Condition' }) as z.ZodType<Condition, ConditionInput>;

/** One condition, or several of which all have to be true. */
export const conditions = z.union([condition, z.array(condition).min(1)]).transform(allOf);

function allOf(given: Condition | Condition[]): Condition {
  if (!Array.isArray(given)) return given;
  const [only] = given;
  return only && given.length === 1 ? only : { type: 'and', of: given };
}

/** How the texts of a condition are read where a blueprint puts values into them; the others are plain. */
export const conditionParts: ReadonlyMap<string, Part> = new Map(
  ['and', 'or', 'not'].map((key) => [key, 'condition']),
);
