/** Text as data, with where each part of it stands. */
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
import { Measures } from '../expressions/measures.ts';
import type { Place } from './place.ts';
import { error, type Locate, located, type Problem } from './problem.ts';

export type Read<T> =
  | { value: T; locate: Locate; problems: [] }
  | { value: null; locate: Locate; problems: Problem[] };

export const NOWHERE: Locate = () => undefined;
const MAX_TEXT = 100_000;
/** What a text comes to as data: aliases make it more than it says. Kits hold much, a rule less (check/size.ts). */
const MAX_BYTES = 2 * MAX_TEXT;
const MAX_LEVELS = 64;
/**
 * The most open brackets and blocks of a text, as its parser counts them: more than data may have, and far fewer than
 * fill a thread's stack.
 */
const MAX_OPEN = 500;

/** YAML as data, whatever it says. */
export function parseText(text: string, tags: readonly ScalarTag[] = []): Read<{ given: unknown }> {
  if (text.length > MAX_TEXT) {
    return failed([error(`is longer than ${MAX_TEXT} characters`, [])], NOWHERE);
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
    if (parser.stack.length > MAX_OPEN) return true;
  }
  return false;
}

/** Why data is none that a rule is read from; null: it may be. It may hold itself, as aliases let it. */
export function flawOf(given: unknown): string | null {
  const { bytes, levels } = new Measures(() => {}).of(given);
  if (levels > MAX_LEVELS) return `is nested deeper than ${MAX_LEVELS} levels, or holds itself`;
  if (bytes > MAX_BYTES) return `comes to more than ${MAX_BYTES} bytes`;
  return null;
}

export function failed(
  problems: Problem[],
  locate: Locate,
): { value: null; locate: Locate; problems: Problem[] } {
  return { value: null, locate, problems: problems.map((problem) => located(problem, locate)) };
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
