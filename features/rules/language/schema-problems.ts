/** What a schema refuses, in the words of those who write rules. */
import { z } from 'zod';
import { didYouMean } from '../../contract/suggest.ts';
import type { Place } from './place.ts';
import { error, type Problem } from './problem.ts';

/** @param schema all of it: its keys are suggested for those that mean nothing */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  given: unknown,
): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], { given, schema }));
}

interface Around {
  schema: z.ZodType;
  given: unknown;
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  above: Place,
  { given, schema }: Around,
): Problem[] {
  const place = [...above, ...(issue.path as (string | number)[])];
  switch (issue.code) {
    case 'invalid_union': {
      const found = valueAt(given, issue.path as Place);
      const branch = nearest(issue.errors, found);
      if (branch)
        return branch.flatMap((inner) => problemsOfIssue(inner, place, { given: found, schema }));
      const keys = [...new Set(issue.errors.flatMap((branchOf) => keysOf(branchOf)))];
      const have = isRecord(found) ? Object.keys(found) : [];
      const hint = have.map((key) => didYouMean(key, keys)).find((text) => text !== '') ?? '';
      return [
        error(
          isRecord(found)
            ? `nothing begins with ${have.map((key) => `"${key}"`).join(', ') || 'nothing'}${hint || `; it may be: ${keys.join(', ')}`}`
            : `cannot be ${JSON.stringify(found) ?? 'left out'}`,
          place,
        ),
      ];
    }
    case 'unrecognized_keys': {
      return issue.keys.map((key) => {
        return error(`"${key}" means nothing here${didYouMean(key, keysIn(schema))}`, [
          ...place,
          key,
        ]);
      });
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => error(message, place));
    case 'invalid_type':
      return [
        error(
          valueAt(given, issue.path as Place) === undefined
            ? `is missing: ${article(issue.expected)}`
            : `has to be ${article(issue.expected)}`,
          place,
        ),
      ];
    case 'invalid_value':
      return [
        error(
          `has to be ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}${didYouMean(
            String(valueAt(given, issue.path as Place)),
            issue.values.map(String),
          )}`,
          place,
        ),
      ];
    default:
      return [error(issue.message, place)];
  }
}

const knownKeys = new WeakMap<z.ZodType, readonly string[]>();

/** All keys that a schema knows, at whatever depth. */
function keysIn(schema: z.ZodType): readonly string[] {
  let keys = knownKeys.get(schema);
  if (!keys) {
    const found = new Set<string>();
    collectKeys(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), found);
    keys = [...found];
    knownKeys.set(schema, keys);
  }
  return keys;
}

function collectKeys(part: unknown, into: Set<string>): void {
  if (Array.isArray(part)) for (const one of part) collectKeys(one, into);
  if (!isRecord(part)) return;
  for (const [key, below] of Object.entries(part)) {
    if (key === 'properties' && isRecord(below))
      for (const name of Object.keys(below)) into.add(name);
    collectKeys(below, into);
  }
}

/** The branch of a union that was meant: the one that knows the most of the given keys, and misses the least. */
function nearest(
  branches: readonly (readonly z.core.$ZodIssue[])[],
  found: unknown,
): readonly z.core.$ZodIssue[] | null {
  if (!isRecord(found)) {
    // Of several that could be it, those that only dislike the value itself say why
    const near = branches.filter((issues) => issues.every(({ code }) => code !== 'invalid_type'));
    const [only] = near;
    return only && near.length === 1 ? only : null;
  }
  const scored = branches.map((issues) => ({ issues, score: scoreOf(issues, found) }));
  scored.sort((a, b) => a.score - b.score);
  const [best] = scored;
  return best && best.score < 100 ? best.issues : null;
}

/** 100 and more: none of what was given is known. */
function scoreOf(issues: readonly z.core.$ZodIssue[], found: Record<string, unknown>): number {
  let score = 0;
  const given = Object.keys(found).length;
  for (const issue of issues) {
    if (issue.path.length === 0 && issue.code === 'invalid_type') return 1_000;
    if (issue.path.length === 0 && issue.code === 'unrecognized_keys') {
      score += issue.keys.length >= given ? 100 : 10 * issue.keys.length;
    } else if (issue.code === 'invalid_type' && issue.path.length === 1) {
      const key = String(issue.path[0]);
      // What makes this branch the one it is was not given
      score += Object.hasOwn(found, key) ? 1 : 20;
    } else score += 1;
  }
  return score;
}

function keysOf(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) =>
    issue.code === 'invalid_type' && issue.path.length === 1 ? [String(issue.path[0])] : [],
  );
}

function article(expected: string): string {
  const word = expected === 'record' ? 'object' : expected;
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}

function valueAt(given: unknown, place: Place): unknown {
  let at = given;
  for (const key of place) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
