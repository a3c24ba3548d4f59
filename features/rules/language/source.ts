/** From the text of a rule to its canonical form, with every problem at its line and column. */
import {
  isCollection,
  isMap,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  parseDocument,
  type ScalarTag,
} from 'yaml';
import type { z } from 'zod';
import { parseSafely } from '../../../engine/index.ts';
import { Measures } from '../expressions/measures.ts';
import { type Definition, definition } from './definition.ts';
import { type Place, pathOf } from './place.ts';
import { didYouMean } from './suggest.ts';

export { type Place, pathOf };

/** Something that is wrong with a rule. */
export interface Problem {
  /** `error`: it cannot go live; `warning`: it probably does not do what is meant. */
  severity: 'error' | 'warning';
  message: string;
  /** Where, as keys and indices of what was written. */
  place: Place;
  /** From 1; absent where what was written is no text. */
  line?: number;
  column?: number;
  /** The place is in the text of this blueprint; absent: in what was given. */
  blueprint?: string;
}

/** Where the parts of a text stand. */
export type Locate = (place: Place) => { line: number; column: number } | undefined;

export type Read<T> =
  | { value: T; locate: Locate; problems: [] }
  | { value: null; locate: Locate; problems: Problem[] };

const NOWHERE: Locate = () => undefined;
const MOST_TEXT = 100_000;
/** What a text comes to as data: aliases make it more than it says. Kits hold much, a rule less (check/size.ts). */
const MOST_BYTES = 2 * MOST_TEXT;
const MOST_LEVELS = 64;
/** Of a text, as its parser counts them: more than data may have, and far fewer than fill a thread's stack. */
const MOST_OPEN = 500;

/** Reads a rule from YAML, or from JSON, which is YAML too. */
export function readRule(text: string): Read<Definition> {
  return readText(text, definition);
}

/** The same for what is data already, as from a JSON body. */
export function parseRule(given: unknown): Read<Definition> {
  return readData(given, definition);
}

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

/** Why data is none that a rule is read from; null: it may be. It may hold itself, as aliases let it. */
function flawOf(given: unknown): string | null {
  const { bytes, levels } = new Measures(() => {}).of(given);
  if (levels > MOST_LEVELS) return `is nested deeper than ${MOST_LEVELS} levels, or holds itself`;
  if (bytes > MOST_BYTES) return `comes to more than ${MOST_BYTES} bytes`;
  return null;
}

/** YAML as data, whatever it says. */
export function parseText(text: string, tags: readonly ScalarTag[] = []): Read<{ given: unknown }> {
  if (text.length > MOST_TEXT) {
    return failed([error(`is longer than ${MOST_TEXT} characters`, [])], NOWHERE);
  }
  if (isTooDeep(text)) return failed([error(DEEP, [])], NOWHERE);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    customTags: [...tags],
  });
  const locate: Locate = (place) => {
    const offset = offsetOf(document.contents, place);
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const [first] = document.errors;
  if (first) {
    const { line, col } = lines.linePos(first.pos[0]);
    return failed([{ ...error(`is no YAML: ${first.message}`, []), line, column: col }], locate);
  }
  try {
    // Anchors may not blow a small text up into a large value
    const given: unknown = document.toJS({ maxAliasCount: 50 });
    const flaw = flawOf(given);
    if (flaw !== null) return failed([error(flaw, [])], locate);
    return { value: { given }, locate, problems: [] };
  } catch (thrown) {
    if (thrown instanceof RangeError) return failed([error(DEEP, [])], locate);
    return failed([error(thrown instanceof Error ? thrown.message : String(thrown), [])], locate);
  }
}

const DEEP = 'is nested too deeply';

/**
 * Counted before anything recurses over it. A full stack cannot be caught: where V8 compiles a regular expression near its end, it
 * ends the process and not the thread.
 */
function isTooDeep(text: string): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // It works while it is asked for tokens, which nobody needs here
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MOST_OPEN) return true;
  }
  return false;
}

function check<S extends z.ZodType>(given: unknown, schema: S, locate: Locate): Read<z.output<S>> {
  const parsed = parseSafely(schema, given);
  if (parsed.success) return { value: parsed.data, locate, problems: [] };
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, [], given));
  return failed(problems, locate);
}

function failed(
  problems: Problem[],
  locate: Locate,
): { value: null; locate: Locate; problems: Problem[] } {
  return { value: null, locate, problems: problems.map((problem) => located(problem, locate)) };
}

export function error(message: string, place: Place): Problem {
  return { severity: 'error', message, place };
}

/** The problem with its line and column. */
export function located(problem: Problem, locate: Locate): Problem {
  return problem.line === undefined ? { ...problem, ...locate(problem.place) } : problem;
}

/** `12:5: triggers[0].twin: there is no twin "x"`. */
export function printProblem({
  severity,
  message,
  place,
  line,
  column,
  blueprint,
}: Problem): string {
  const text = blueprint === undefined ? '' : `blueprint "${blueprint}": `;
  const at = line === undefined ? text : `${text}${line}:${column}: `;
  const path = pathOf(place);
  return `${at}${severity === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}`;
}

function problemsOf(issue: z.core.$ZodIssue, above: Place, given: unknown): Problem[] {
  const place = [...above, ...(issue.path as (string | number)[])];
  switch (issue.code) {
    case 'invalid_union': {
      const found = valueAt(given, issue.path as Place);
      const branch = nearest(issue.errors, found);
      if (branch) return branch.flatMap((inner) => problemsOf(inner, place, found));
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
        return error(`"${key}" means nothing here${didYouMean(key, ALL_KEYS)}`, [...place, key]);
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

const ALL_KEYS = [
  ...[
    'rule',
    'name',
    'description',
    'mode',
    'most',
    'key',
    'priority',
    'triggers',
    'conditions',
    'actions',
  ],
  ...[
    'twin',
    'kind',
    'room',
    'path',
    'from',
    'to',
    'not',
    'for',
    'above',
    'below',
    'hysteresis',
    'id',
  ],
  ...[
    'event',
    'where',
    'alert',
    'is',
    'intent',
    'command',
    'cron',
    'timezone',
    'skipIfLaterThan',
    'at',
  ],
  ...[
    'weekdays',
    'every',
    'sun',
    'offset',
    'webhook',
    'mqtt',
    'start',
    'when',
    'after',
    'before',
    'and',
    'or',
  ],
  ...[
    'set',
    'desired',
    'hold',
    'args',
    'ttl',
    'expect',
    'wait',
    'retry',
    'times',
    'send',
    'data',
    'scene',
  ],
  ...[
    'transition',
    'revert',
    'release',
    'delay',
    'until',
    'timeout',
    'otherwise',
    'if',
    'then',
    'else',
    'choose',
  ],
  ...[
    'do',
    'repeat',
    'while',
    'parallel',
    'let',
    'notify',
    'title',
    'message',
    'severity',
    'clear',
    'url',
  ],
  ...['method', 'headers', 'body', 'stop'],
  ...['blueprint', 'inputs', 'type', 'options', 'default', 'several', 'min', 'max', 'step', 'unit'],
  ...['kit', 'version', 'needs', 'kinds', 'twins', 'scenes', 'schedules', 'blueprints', 'rules'],
  ...['settings', 'existing', 'entries', 'transitionMs', 'weekly', 'exceptions'],
];

/** Of a union's branches the one that was meant: that which knows the most of the given keys, and misses the least. */
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

/** Where a part of the text begins: a member at its key. What is not there stands where its owner does. */
function offsetOf(root: ParsedNode | Node | null, place: Place): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const key of place) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(key),
      );
      if (!pair) break;
      offset = (isScalar(pair.key) && pair.key.range?.[0]) || offset;
      node = pair.value;
    } else {
      const item: unknown = node.items[Number(key)];
      if (item === undefined) break;
      node = isPair(item) ? item.value : item;
      offset = (node as Node | null)?.range?.[0] ?? offset;
    }
  }
  return offset;
}
