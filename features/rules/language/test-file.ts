/** What an author writes to say how rules should behave: given, when, then, with a clock that is moved. */
import { z } from 'zod';
import { parseDuration } from './duration.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is no name of a twin');
const fields = z.record(z.string(), z.json());
const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration is written like 30s, 10m, 1h30m')
  .transform((text) => parseDuration(text) ?? 0);
const ofTwins = z.record(name, fields);

const expectation = z
  .strictObject({
    twins: z
      .record(
        name,
        z.strictObject({ desired: fields, reported: fields, state: z.json() }).partial(),
      )
      .describe('What twins show; members that are not named may be anything'),
    did: z
      .array(z.string())
      .describe('What the rules did since the last expectation, such as: set lamp {"on":true}'),
    runs: z.record(name, z.int()).describe('Runs of rules so far'),
    alerts: z.array(z.string()).describe('Alerts that are raised, as twin:key'),
    commands: z.array(z.string()).describe('What was sent to devices since the last expectation'),
  })
  .partial();

const step = z.union([
  z.strictObject({ report: ofTwins }).describe('Devices report'),
  z.strictObject({ desire: ofTwins }).describe('Somebody wants something of twins'),
  z.strictObject({ event: z.strictObject({ twin: name, type: z.string() }).catchall(z.json()) }),
  z.strictObject({ pass: duration }).describe('Time passes'),
  z
    .strictObject({
      until: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 07:30'),
    })
    .describe('Time passes until it is so late'),
  z
    .strictObject({
      webhook: z.strictObject({ hook: z.string(), body: z.json().default(null) }),
    })
    .describe('Somebody calls a webhook'),
  z.strictObject({ start: z.literal(true) }).describe('The engine has started anew'),
  z.strictObject({ run: name }).describe('Somebody runs a rule by hand'),
  z.strictObject({ expect: expectation }),
]);
export type Step = z.output<typeof step>;
export type Expectation = z.output<typeof expectation>;

const testCase = z.strictObject({
  test: z.string().describe('What is shown, in one sentence'),
  at: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d$/, 'a start is written like 2026-01-05 22:00')
    .optional()
    .describe('Local time at the beginning'),
  twins: z
    .record(
      name,
      z.strictObject({
        kind: z.string(),
        room: name.optional(),
        reported: fields.optional(),
        settings: fields.optional(),
        silent: z.boolean().default(false).describe('The device does not obey'),
      }),
    )
    .default({}),
  steps: z.array(step).min(1),
});
export type TestCase = z.output<typeof testCase>;

/** A file of tests. */
export const testFile = z.strictObject({
  rules: z.array(z.string()).min(1).describe('Files of rules, beside this one'),
  blueprints: z
    .array(z.string())
    .default([])
    .describe('Files of the blueprints that the rules are made from, beside this one'),
  timezone: z.string().default('Europe/Berlin'),
  twins: testCase.shape.twins.describe('Twins of all tests'),
  tests: z.array(testCase).min(1),
});
export type TestFile = z.output<typeof testFile>;
