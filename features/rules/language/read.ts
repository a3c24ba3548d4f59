/** Reads a text, or data, by a schema, with every problem at its line and column. */
import type { ScalarTag } from 'yaml';
import type { z } from 'zod';
import { parseSafely } from '../../../engine/index.ts';
import { error, type Locate } from './problem.ts';
import { problemsOf } from './schema-problems.ts';
import { failed, flawOf, NOWHERE, parseText, type Read } from './yaml.ts';

export type { Read } from './yaml.ts';

/** Reads YAML by a schema. @param tags that it may have, besides those of YAML */
export function readText<S extends z.ZodType>(
  text: string,
  schema: S,
  tags: readonly ScalarTag[] = [],
): Read<z.output<S>> {
  const { value, locate, problems } = parseText(text, tags);
  return value === null ? { value: null, locate, problems } : check(value.given, schema, locate);
}

/** Checks data by a schema. */
export function readData<S extends z.ZodType>(given: unknown, schema: S): Read<z.output<S>> {
  const flaw = flawOf(given);
  return flaw === null ? check(given, schema, NOWHERE) : failed([error(flaw, [])], NOWHERE);
}

function check<S extends z.ZodType>(given: unknown, schema: S, locate: Locate): Read<z.output<S>> {
  const parsed = parseSafely(schema, given);
  if (parsed.success) return { value: parsed.data, locate, problems: [] };
  return failed(problemsOf(parsed.error.issues, schema, given), locate);
}
