/** The parts that the schemas of a rule share: names, times, values, and whose change or whose wish is meant. */
import { z } from 'zod';
import { parseDuration } from './duration.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const twinName = z
  .string()
  .regex(NAME, 'a name is 1 to 64 letters, digits, ".", "_" or "-"');
export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration is written like 30s, 10m, 1h30m')
  .transform((text) => parseDuration(text) ?? 0)
  .describe('A duration such as 30s, 10m, 1h30m');
/** How long something waits, ms: under a second it would be a loop, beyond a year a mistake. */
export const wait = duration.refine(
  (ms) => ms <= 366 * 86_400_000,
  'a rule waits for a year at most',
);
export const signedDuration = z
  .string()
  .refine(
    (text) => parseDuration(text.replace(/^[+-]/, '')) !== null,
    'an offset is written like -30m or 1h',
  )
  .transform(
    (text) => (text.startsWith('-') ? -1 : 1) * (parseDuration(text.replace(/^[+-]/, '')) ?? 0),
  )
  .describe('An offset such as -30m or 1h');
/** Minutes since midnight. */
export const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 07:30')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))
  .describe('A time of day such as 07:30, in the home’s timezone');
/** 1 is Monday. */
export const weekdays = z
  .array(z.enum(WEEKDAYS))
  .min(1)
  .transform((days) => days.map((day) => WEEKDAYS.indexOf(day) + 1));
export const expression = z.string().min(1).max(2_000).describe('A CEL expression');
export const path = z
  .string()
  .regex(
    /^(state|reported|desired|settings|room|alerts)(\.[A-Za-z0-9_-]+){0,7}$/,
    'a path begins with state, reported, desired, settings, room or alerts, such as reported.temperature',
  )
  .transform((text) => text.split('.'))
  .describe('A value of a twin, such as reported.temperature');
export const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export const oneOrMore = <T extends z.ZodType>(schema: T) =>
  z
    .union([schema, z.array(schema).min(1)])
    .transform((given) => (Array.isArray(given) ? given : [given]));
export const severity = z.enum(['info', 'warning', 'critical']);
export const afterwards = z.enum(['continue', 'stop']);

/** A value, or a text with `${…}` in which stand CEL expressions. */
export const value = z.json().describe('A value; ${…} in a text is a CEL expression');
export const fields = z.record(z.string(), value);
export const target = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .describe('A twin or several; ${…} may name one');

/** What an author calls a trigger. */
export const id = z
  .string()
  .regex(KEY, 'an id is letters, digits and "_", beginning with a letter')
  .optional();
export const selector = {
  twin: oneOrMore(twinName).optional().describe('One twin or several'),
  kind: twinName.optional().describe('All twins of a kind'),
  room: twinName.optional().describe('All twins in a room'),
};
/** Twins by their names, by their kind, in a room; where several are given, all of them have to be so. */
export interface Selector {
  twin?: string[] | undefined;
  kind?: string | undefined;
  room?: string | undefined;
}
export const namesSomebody = (given: Selector): boolean =>
  given.twin !== undefined || given.kind !== undefined || given.room !== undefined;
export const WHOSE = { message: 'say whose: "twin", "kind" or "room"', path: ['twin'] };
export const held = { id, for: wait.optional().describe('How long it has to stay so') };

/** Drops members that are undefined: the canonical form is JSON. */
export function json<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(given).filter(([, member]) => member !== undefined),
  ) as never;
}

/** The canonical form of what was given: with its type. */
export const typed =
  <const T extends string>(type: T) =>
  <G extends object>(given: G) =>
    json({ type, ...given });
