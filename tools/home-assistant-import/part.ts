/** A text of Home Assistant as a tree in which each part knows where it stands. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Json } from '../../engine/kind.ts';

/** A line and a column, from 1. */
export interface Spot {
  line: number;
  column: number;
}

export type ScalarValue = string | number | boolean | null;
export type Part = { at: Spot } & (
  | { type: 'scalar'; value: ScalarValue }
  | { type: 'list'; items: Part[] }
  /** `twice`: keys of which only the last counts. */
  | { type: 'map'; entries: Map<string, Entry>; twice: { name: string; at: Spot }[] }
  /** `!secret name` and its kin, which only Home Assistant can resolve. */
  | { type: 'tag'; tag: string; text: string }
);
export type MapPart = Extract<Part, { type: 'map' }>;
export interface Entry {
  /** Where the key stands. */
  at: Spot;
  value: Part;
}

/** A text that cannot be imported at all. */
export class ImportError extends Error {
  readonly code = 'no-import';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'ImportError';
    this.hint = hint;
  }
}

/** Something that has no counterpart; the reason, and what to do instead. */
export class Untranslatable extends Error {
  readonly at: Spot;
  readonly instead: string;
  constructor(at: Spot, reason: string, instead: string) {
    super(reason);
    this.name = 'Untranslatable';
    this.at = at;
    this.instead = instead;
  }
}

const MAX_TEXT = 2_000_000;
/** Aliases may not blow a small text up, nor depth the stack. */
const MAX_PARTS = 200_000;
const MAX_DEPTH = 100;

/** @throws ImportError for what is no YAML */
export function readParts(name: string, text: string): Part {
  if (text.length > MAX_TEXT) {
    throw new ImportError(
      `${name} is longer than ${MAX_TEXT} characters`,
      'Import its automations in several files.',
    );
  }
  const lines = new LineCounter();
  // Of a key that is there twice, Home Assistant takes the last
  const document = parsed(name, text, lines);
  const spotOf = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const [first] = document.errors;
  if (first) {
    const { line, column } = spotOf(first.pos[0]);
    throw new ImportError(
      `${name}:${line}:${column}: this is no YAML: ${first.message}`,
      'Mend the text there, or export it from Home Assistant once more.',
    );
  }
  let parts = 0;
  const partOf = (node: Node | null, near: Spot, depth: number): Part => {
    if (++parts > MAX_PARTS || depth > MAX_DEPTH) {
      throw new ImportError(
        `${name}:${near.line}:${near.column}: this is nested too deeply, or its aliases make it too large`,
        'Write out what the aliases stand for.',
      );
    }
    const at = node?.range ? spotOf(node.range[0]) : near;
    if (node === null) return { type: 'scalar', value: null, at };
    if (isAlias(node)) {
      return { ...partOf(node.resolve(document) ?? null, at, depth + 1), at };
    }
    if (node.tag?.startsWith('!')) {
      // It begins before what it is said of
      const begin = text.lastIndexOf(node.tag, node.range?.[0]);
      return {
        ...{ type: 'tag', tag: node.tag, text: isScalar(node) ? String(node.value) : '' },
        at: begin < 0 ? at : spotOf(begin),
      };
    }
    if (isScalar(node)) return { type: 'scalar', value: scalarOf(node), at };
    if (isSeq(node)) {
      const items = node.items.map((item) => partOf(item as Node | null, at, depth + 1));
      return { type: 'list', items, at };
    }
    if (isMap(node)) return { type: 'map', ...entriesOf(node, at, depth), at };
    return { type: 'scalar', value: null, at };
  };
  const entriesOf = (map: YAMLMap, at: Spot, depth: number) => {
    const twice: { name: string; at: Spot }[] = [];
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const { key, value } of map.items) {
      const keyNode = key as Node | null;
      const keyAt = keyNode?.range ? spotOf(keyNode.range[0]) : at;
      const text = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
      const part = partOf(value as Node | null, keyAt, depth + 1);
      const before = text === '<<' ? undefined : own.get(text);
      if (before) twice.push({ name: text, at: before.at });
      if (text !== '<<') own.set(text, { at: keyAt, value: part });
      else {
        for (const one of part.type === 'list' ? part.items : [part]) {
          if (one.type !== 'map') continue;
          for (const [name, entry] of one.entries)
            if (!merged.has(name)) merged.set(name, { ...entry, at: keyAt });
        }
      }
    }
    return { entries: new Map([...merged, ...own]), twice };
  };
  return partOf(document.contents, { line: 1, column: 1 }, 0);
}

function parsed(name: string, text: string, lines: LineCounter) {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  } catch (cause) {
    throw new ImportError(
      `${name} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Is it nested too deeply? Import its automations in several files.',
    );
  }
}

const WORDS: Record<string, boolean> = { on: true, yes: true, off: false, no: false };

/** A plain scalar as Home Assistant's YAML 1.1 has it: `on` is true, `10:30` counts in sixties. */
function scalarOf({ value, type }: Scalar): ScalarValue {
  if (type === 'PLAIN' && typeof value === 'string') {
    if (/^(on|off|yes|no|On|Off|Yes|No|ON|OFF|YES|NO)$/.test(value))
      return WORDS[value.toLowerCase()] ?? value;
    if (/^[1-9]\d*(:[0-5]?\d)+$/.test(value))
      return value.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    return value;
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return value === null || value === undefined ? null : String(value);
}

/** The part as data. @throws Untranslatable for a tag */
export function jsonOf(part: Part): Json {
  switch (part.type) {
    case 'scalar':
      return typeof part.value === 'number' && !Number.isFinite(part.value)
        ? String(part.value)
        : part.value;
    case 'list':
      return part.items.map(jsonOf);
    case 'map':
      return Object.fromEntries(
        [...part.entries].map(([key, { value }]) => [key, jsonOf(value)] as const),
      );
    case 'tag':
      throw unresolved(part);
  }
}

function unresolved({ at, tag, text }: Extract<Part, { type: 'tag' }>): Untranslatable {
  const instead =
    tag === '!secret'
      ? 'put the value itself there'
      : tag === '!input'
        ? 'it is an input of a blueprint: take control of the automation in Home Assistant, and import what it shows then'
        : tag.startsWith('!include')
          ? 'import the file that it names'
          : 'put the value itself there';
  return new Untranslatable(
    at,
    `${tag}${text === '' ? '' : ` ${text}`} is known to Home Assistant only`,
    instead,
  );
}

/** What one or several things are, as a list. */
export function listOf(part: Part): Part[] {
  if (part.type === 'tag') throw unresolved(part);
  if (part.type === 'list') return part.items;
  return part.type === 'scalar' && part.value === null ? [] : [part];
}

/** A text; numbers and flags as Home Assistant would show them. @throws Untranslatable */
export function textOf(part: Part, what: string): string {
  if (part.type === 'tag') throw unresolved(part);
  if (part.type === 'scalar' && part.value !== null) return String(part.value);
  throw new Untranslatable(part.at, `${what} has to be a text`, `write ${what} as a text`);
}

export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

/** A text that is no template. @throws Untranslatable */
export function plainText(part: Part, what: string): string {
  const text = textOf(part, what);
  if (!isTemplate(text)) return text;
  throw new Untranslatable(
    part.at,
    `${what} is a template, which has to be known beforehand`,
    `write ${what} out, or make a rule for each value`,
  );
}

/** @throws Untranslatable */
export function numberOf(part: Part, what: string): number {
  const text = plainText(part, what);
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new Untranslatable(part.at, `${what} is "${text}", not a number`, 'write a number');
}

/** The members of a map, each to be taken: what is left over is reported, so nothing is lost silently. */
export class Fields {
  readonly at: Spot;
  readonly #entries: Map<string, Entry>;
  readonly #taken = new Set<string>();

  /** @throws Untranslatable for what is no map */
  constructor(part: Part, what: string) {
    if (part.type === 'tag') throw unresolved(part);
    if (part.type !== 'map') {
      throw new Untranslatable(
        part.at,
        `${what} has to be a map of keys and values`,
        'mend it, and import it again',
      );
    }
    this.at = part.at;
    this.#entries = part.entries;
  }

  has(...names: string[]): boolean {
    return names.some((name) => {
      const entry = this.#entries.get(name);
      return entry && !(entry.value.type === 'scalar' && entry.value.value === null);
    });
  }

  /** The first of these that is there; one without a value counts as not there. */
  take(...names: string[]): Part | undefined {
    let found: Part | undefined;
    for (const name of names) {
      const entry = this.#entries.get(name);
      if (!entry) continue;
      this.#taken.add(name);
      const { value } = entry;
      if (value.type !== 'scalar' || value.value !== null) found ??= value;
    }
    return found;
  }

  spotOf(...names: string[]): Spot {
    for (const name of names) {
      const entry = this.#entries.get(name);
      if (entry) return entry.at;
    }
    return this.at;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** What nobody has taken. */
  rest(): [string, Entry][] {
    return [...this.#entries].filter(([name]) => !this.#taken.has(name));
  }

  /** @throws Untranslatable for the first that nobody has taken */
  finish(what: string): void {
    const [left] = this.rest();
    if (!left) return;
    const [name, { at }] = left;
    throw new Untranslatable(
      at,
      `"${name}" of ${what} has no counterpart`,
      `say it in another way, or remove "${name}" if it does not matter`,
    );
  }
}
