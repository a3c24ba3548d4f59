/** The text of a rule that an automation has become, with what is open in comments. */
import { Document, isMap, isSeq } from 'yaml';
import type { Json, JsonObject } from '../../engine/kind.ts';
import {
  ExpressionError,
  parseRule,
  printProblem,
  programOf,
} from '../../features/rules/authoring.ts';
import type { Spot } from './part.ts';
import { type Account, sentences } from './report.ts';
import { OPEN, type Translation } from './translation.ts';

export interface ImportedRule {
  /** The name of the file to write, which ends in `.yaml` or `.yaml.incomplete`. */
  file: string;
  text: string;
  account: Account;
}

export interface Draft {
  source: string;
  at: Spot;
  title: string;
  slug: string;
  body: JsonObject;
  translation: Translation;
}

// ── its text ─────────────────────────────────────────────────────────────────────────────────

const MAX_NAME = 64;

/** `Küche: Licht an` → `kuche-licht-an`. */
export function slugOf(text: string): string {
  return text
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, MAX_NAME - 8)
    .replace(/-+$/, '');
}

export function nameFor({ slug }: Draft, twins: ReadonlySet<string>, taken: Set<string>): string {
  const base = slug === '' ? 'automation' : slug;
  let name = twins.has(base) ? `${base}-rule` : base;
  for (let number = 2; taken.has(name) || twins.has(name); number++) name = `${base}-${number}`;
  taken.add(name);
  return name;
}

export function written(draft: Draft, rule: string): ImportedRule {
  const { source, at, title, body, translation } = draft;
  const given: JsonObject = { rule, ...body };
  const wrong = problemsOf(withoutOpen(given));
  // Whatever this is, somebody has to see it: the rule would be refused
  for (const problem of wrong) {
    translation.findings.push({
      level: 'untranslated',
      at,
      message: `the rule that was made of it is refused: ${problem}`,
      instead: 'mend it in the file; and tell us, as the importer should have known',
    });
  }
  const open = translation.findings.filter(({ level }) => level === 'untranslated');
  const isComplete = open.length === 0;
  const file = isComplete ? `${rule}.yaml` : `${rule}.yaml.incomplete`;
  const { trigger, condition, action } = translation.tallies;
  return {
    file,
    text: textOfRule(given, [
      `From Home Assistant: "${title}" (${source}:${at.line}).`,
      ...(isComplete
        ? []
        : [
            `INCOMPLETE: a rule is refused as long as "${OPEN}" stands in it.`,
            'Replace each by what it is to do, and name the file .yaml. Not translated:',
            ...open.flatMap((finding) => sentences(finding).map((line) => `  ${line}`)),
          ]),
    ]),
    account: {
      ...{ source, at, name: title, file, isComplete, findings: translation.findings },
      ...{ triggers: trigger, conditions: condition, actions: action },
    },
  };
}

/** What is wrong with a rule by itself. */
function problemsOf(given: JsonObject): string[] {
  const { value, problems } = parseRule(given);
  if (!value) return problems.map(printProblem);
  try {
    programOf(value);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return [thrown.message];
  }
}

/** The same with something harmless where a place is open, so that all else can be checked. */
function withoutOpen(given: JsonObject): JsonObject {
  const { [OPEN]: _open, ...rest } = given;
  const closed = (value: Json, place: 'trigger' | 'condition' | 'action' | null): Json => {
    if (Array.isArray(value)) return value.map((one) => closed(one, place));
    if (typeof value !== 'object' || value === null) return value;
    if (Object.hasOwn(value, OPEN)) {
      return place === 'trigger' ? { every: '1h' } : place === 'action' ? { stop: true } : 'true';
    }
    return Object.fromEntries(
      Object.entries(value).map(
        ([key, one]) => [key, closed(one, PLACES.get(key) ?? place)] as const,
      ),
    );
  };
  const filled = closed(rest, null) as JsonObject;
  if ([filled.triggers].flat().length === 0) filled.triggers = [{ every: '1h' }];
  if ([filled.actions].flat().length === 0) filled.actions = [{ stop: true }];
  return filled;
}

const PLACES = new Map<string, 'trigger' | 'condition' | 'action'>(
  Object.entries({
    ...{ triggers: 'trigger', for: 'trigger' },
    ...{ conditions: 'condition', if: 'condition', when: 'condition', while: 'condition' },
    ...{ until: 'condition', and: 'condition', or: 'condition', not: 'condition' },
    ...{
      actions: 'action',
      then: 'action',
      else: 'action',
      do: 'action',
      otherwise: 'action',
      parallel: 'action',
    },
  } as const),
);

function textOfRule(given: JsonObject, comments: readonly string[]): string {
  const document = new Document(given);
  const { contents } = document;
  for (const key of ['triggers', 'conditions', 'actions']) {
    const list = isMap(contents) ? contents.get(key, true) : null;
    for (const item of isSeq(list) ? list.items : []) {
      // What fits in a line is easier to read there
      if (isMap(item) && JSON.stringify(item).length < 90) item.flow = true;
    }
  }
  document.commentBefore = comments.map((line) => ` ${oneComment(line)}`).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function oneComment(line: string): string {
  return line.replaceAll(/\p{C}+/gu, ' ');
}
