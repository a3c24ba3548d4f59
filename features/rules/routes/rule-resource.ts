import { z } from 'zod';
import type { TwinReading } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import { iso, Moment } from '../../contract/moment.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import { pathOf } from '../language/place.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';

export const RuleProblemValue = z
  .object({
    severity: z.enum(['error', 'warning']),
    message: z.string(),
    path: z.string().describe('Where in the rule: `triggers[0].twin`.'),
    line: z.int().optional().describe('Of the text that was sent, from 1.'),
    column: z.int().optional(),
    blueprint: z
      .string()
      .optional()
      .describe('The place is in the text of this blueprint. Absent: in what was sent.'),
  })
  .meta({ id: 'RuleProblem', description: 'What is wrong with a rule.' });

export const Rule = z
  .object({
    home: z.string(),
    id: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    revision: z.int().describe('Of the rule’s twin; also its ETag.'),
    runs: z.int().describe('Runs so far.'),
    running: z.int().describe('Runs under way.'),
    failures: z.int().describe('Runs that failed so far.'),
    lastRunAt: Moment.nullable(),
    lastOutcome: z
      .enum(['finished', 'stopped', 'failed', 'restarted', 'replaced'])
      .nullable()
      .describe('How the last run ended.'),
    lastError: z.string().nullable(),
    draftOf: z
      .string()
      .nullable()
      .describe('The rule beside which it is on trial: nothing comes of what it asks for.'),
    source: z.string().nullable().describe('The text that it was made of; null: it came as data.'),
    blueprint: z
      .object({
        id: z.string(),
        edition: z.int().describe('Of the blueprint, when the rule was made of it.'),
        inputs: AnyObject,
      })
      .nullable()
      .describe('What it was made from. Null: it is a rule of its own.'),
    definition: AnyObject.nullable().describe(
      'What runs: durations in ms, times of day in minutes. Null: the twin has no rule yet.',
    ),
  })
  .meta({ id: 'Rule', description: 'An automation. It is also a twin, of kind `rule`.' });

export function toRule({ row, view }: TwinReading): z.input<typeof Rule> {
  const { definition, source, origin, enabled, reported, draftOf } = row.state
    .context as unknown as RuleContext;
  return {
    home: row.home,
    id: row.twin,
    name: row.name,
    enabled: enabled ?? view.desired.enabled !== false,
    revision: row.revision,
    runs: reported.runs,
    running: reported.running,
    failures: reported.failures,
    lastRunAt: reported.lastRunAt === null ? null : iso(reported.lastRunAt),
    lastOutcome: reported.lastOutcome as z.input<typeof Rule>['lastOutcome'],
    lastError: reported.lastError,
    draftOf: draftOf?.rule ?? null,
    source,
    blueprint: origin
      ? { id: origin.blueprint, edition: origin.edition, inputs: origin.inputs }
      : null,
    definition: definition as never,
  };
}

export function toProblem({
  severity,
  message,
  place,
  line,
  column,
  blueprint,
}: RuleProblem): z.input<typeof RuleProblemValue> {
  const path = pathOf(place);
  return {
    severity,
    message,
    path,
    ...(line !== undefined && { line, column }),
    ...(blueprint !== undefined && { blueprint }),
  };
}
