/** Automations of Home Assistant as texts of rules, with an account of each. */

import type { Json, JsonObject } from '../../engine/kind.ts';
import { actionsOf, variables } from './actions.ts';
import { conditionsOf } from './conditions.ts';
import { Entities, type EntityMap, readEntities } from './entities.ts';
import {
  Fields,
  ImportError,
  type MapPart,
  numberOf,
  type Part,
  plainText,
  readParts,
  type Spot,
  Untranslatable,
} from './part.ts';
import { type Finding, oneLine, tellImport } from './report.ts';
import { type Draft, type ImportedRule, nameFor, slugOf, written } from './rule-text.ts';
import { Translation } from './translation.ts';
import { triggersOf } from './triggers.ts';

export interface SourceFile {
  name: string;
  text: string;
}

export interface Imported {
  rules: ImportedRule[];
  /** Whether nothing was left open. */
  isComplete: boolean;
  report: string;
  /** A map of all entities that were met. */
  entities: string;
}

/**
 * @param entities the user's map of entities, as text
 * @throws ImportError for what holds no automations at all
 */
export function importAutomations(files: readonly SourceFile[], entities?: SourceFile): Imported {
  const map: EntityMap = entities ? readEntities(entities.name, entities.text) : {};
  const known = new Entities(map);
  const drafts: Draft[] = [];
  const lost: { source: string; findings: Finding[] }[] = [];
  for (const { name, text } of files) {
    const findings: Finding[] = [];
    const parts = automationsIn(name, readParts(name, text), findings);
    drafts.push(...parts.map((part) => translated(name, part, known)));
    lost.push({ source: name, findings });
  }
  // Rules are twins: their names are apart from each other's, and from those of all twins
  const twins = new Set([...known.twins(), 'home']);
  const taken = new Set<string>();
  const rules = drafts.map((draft) => written(draft, nameFor(draft, twins, taken)));
  const accounts = rules.map(({ account }) => account);
  return {
    rules,
    isComplete:
      accounts.every(({ isComplete }) => isComplete) &&
      lost.every(({ findings }) => findings.length === 0),
    report: tellImport(accounts, lost),
    entities: known.skeleton(),
  };
}

// ── which automations there are ──────────────────────────────────────────────────────────────

const IS_AUTOMATION = ['trigger', 'triggers', 'action', 'actions', 'use_blueprint'];

function automationsIn(name: string, root: Part, findings: Finding[]): MapPart[] {
  const found: MapPart[] = [];
  const take = (part: Part): void => {
    if (part.type === 'list') for (const item of part.items) take(item);
    else if (part.type === 'map') found.push(part);
    else if (part.type === 'tag') {
      findings.push({
        level: 'untranslated',
        at: part.at,
        message: `${part.tag} ${part.text}: its automations stand elsewhere`,
        instead: 'import the file that it names',
      });
    } else if (part.value !== null) {
      findings.push({
        level: 'untranslated',
        at: part.at,
        message: `"${String(part.value).slice(0, 60)}" is no automation`,
        instead: 'an automation is a map with triggers and actions',
      });
    }
  };
  if (root.type === 'list') {
    take(root);
    return found;
  }
  if (root.type !== 'map') {
    throw new ImportError(
      `${name} holds no automations`,
      'Give automations.yaml of Home Assistant, a file with one automation, or a package with "automation:".',
    );
  }
  const keys = [...root.entries.keys()];
  if (IS_AUTOMATION.some((key) => root.entries.has(key))) return [root];
  // `automation kitchen:` is a label of the same
  const packages = keys.filter((key) => key === 'automation' || key.startsWith('automation '));
  if (packages.length === 0) {
    throw new ImportError(
      `${name} holds no automations: at its top there is ${
        keys
          .slice(0, 5)
          .map((key) => `"${key}"`)
          .join(', ') || 'nothing'
      }`,
      'Give automations.yaml of Home Assistant, a file with one automation, or a package with "automation:".',
    );
  }
  for (const key of packages) {
    const entry = root.entries.get(key);
    if (entry) take(entry.value);
  }
  for (const key of ['script', 'scene', 'blueprint']) {
    const entry = root.entries.get(key);
    if (!entry) continue;
    findings.push({
      level: 'untranslated',
      at: entry.at,
      message: `"${key}" beside the automations is not imported`,
      instead:
        key === 'scene'
          ? 'make a twin of kind "scene" for each'
          : 'put what it does into the rules that use it',
    });
  }
  return found;
}

// ── one automation ───────────────────────────────────────────────────────────────────────────

const HARMLESS = [
  'trace',
  'initial_state',
  'hide_entity',
  'alias',
  'id',
  'category',
  'labels',
  'icon',
];

function translated(source: string, part: MapPart, entities: Entities): Draft {
  const fields = new Fields(part, 'the automation');
  const shown = (name: string) => {
    const value = fields.take(name);
    return value?.type === 'scalar' ? oneLine(String(value.value)) : '';
  };
  const [alias, id] = [shown('alias'), shown('id')];
  const title = alias || id || `automation at line ${part.at.line}`;
  const translation = new Translation(entities, title);
  registerIds(part, translation);
  const open: JsonObject = {};
  const attempt = <T>(make: () => T, otherwise: T): T => {
    try {
      return make();
    } catch (thrown) {
      Object.assign(open, translation.open(thrown));
      return otherwise;
    }
  };
  const description = fields.take('description');
  const triggerPart = fields.take('triggers', 'trigger');
  const conditionPart = fields.take('conditions', 'condition');
  const actionPart = fields.take('actions', 'action');
  const variablePart = fields.take('variables');
  translation.waitsForTemplate = JSON.stringify(actionPart ?? null, asData).includes(
    'wait_template',
  );
  const triggers = attempt(
    () => required(triggerPart, triggersOf, 'trigger', part.at, translation),
    [],
  );
  // Conditions are asked before there are variables, so they have their expressions in place
  const lets = attempt(() => variables(variablePart, translation), []);
  const names = [...translation.vars];
  inline(lets, translation);
  const conditions = attempt(
    () => (conditionPart ? conditionsOf(conditionPart, translation) : []),
    [],
  );
  for (const [name, cel] of names) translation.vars.set(name, cel);
  const actions = attempt(
    () =>
      required(
        actionPart,
        (given) => actionsOf(given, translation),
        'action',
        part.at,
        translation,
      ),
    [],
  );
  const mode = attempt(() => modeOf(fields, translation), {});
  attempt(() => initialState(fields), undefined);
  for (const key of HARMLESS) {
    const given = fields.take(key);
    if (given && key !== 'alias' && key !== 'id' && key !== 'initial_state')
      translation.ignore(given.at, `"${key}"`);
  }
  for (const [key, { at }] of fields.rest()) {
    if (fields.has(key)) attempt(() => unknownKey(key, at), undefined);
  }
  const text = description?.type === 'scalar' ? String(description.value).trim() : '';
  const body: JsonObject = {
    ...open,
    ...(title !== '' && { name: title.slice(0, 200) }),
    ...(text !== '' && { description: text.slice(0, 2_000) }),
    ...mode,
    triggers: triggers as Json,
    ...(conditions.length > 0 && { conditions }),
    actions: [...lets, ...actions] as Json,
  };
  return { source, at: part.at, title, slug: slugOf(alias || id), body, translation };
}

function unknownKey(key: string, at: Spot): never {
  throw new Untranslatable(
    at,
    key === 'use_blueprint'
      ? 'it is made from a blueprint, which says what it does'
      : `"${key}" of an automation has no counterpart`,
    key === 'use_blueprint'
      ? 'take control of the automation in Home Assistant, and import what it shows then'
      : 'say it in another way, or remove it if it does not matter',
  );
}

function required<T>(
  part: Part | undefined,
  translate: (part: Part, translation: Translation, where: 'rule') => T[],
  what: string,
  at: Spot,
  translation: Translation,
): T[] {
  const made = part ? translate(part, translation, 'rule') : [];
  if (made.length > 0) return made;
  throw new Untranslatable(
    part?.at ?? at,
    `it has no ${what} that is switched on`,
    what === 'trigger'
      ? 'a rule without one would never run: give it one, or leave the automation out'
      : 'leave the automation out',
  );
}

/** What conditions ask for has to have a name among the triggers. */
function registerIds(part: Part, translation: Translation): void {
  switch (part.type) {
    case 'list':
      for (const item of part.items) registerIds(item, translation);
      return;
    case 'map': {
      for (const { name, at } of part.twice)
        translation.ignore(at, `"${name}" is there twice: the last counts, as in Home Assistant`);
      const condition = part.entries.get('condition')?.value;
      const id = part.entries.get('id')?.value;
      if (condition?.type === 'scalar' && condition.value === 'trigger' && id) {
        for (const one of id.type === 'list' ? id.items : [id])
          if (one.type === 'scalar') translation.idOf(String(one.value));
      }
      for (const { value } of part.entries.values()) registerIds(value, translation);
      return;
    }
    case 'scalar':
      if (typeof part.value !== 'string' || !part.value.includes('trigger.id')) return;
      for (const [, id = ''] of part.value.matchAll(/['"](\d+)['"]/g)) translation.idOf(id);
      return;
    case 'tag':
      return;
  }
}

function asData(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

/** Variables whose values are one expression or a plain value, for where there are no variables yet. */
function inline(lets: readonly JsonObject[], translation: Translation): void {
  for (const { let: values } of lets) {
    for (const [name, value] of Object.entries(values as JsonObject)) {
      const whole = typeof value === 'string' ? /^\$\{([^{}]*)\}$/.exec(value) : null;
      if (whole && !whole[1]?.includes('vars.')) translation.vars.set(name, `(${whole[1]})`);
      else if (typeof value !== 'object' && !String(value).includes('${'))
        translation.vars.set(name, JSON.stringify(value));
      else translation.vars.delete(name);
    }
  }
}

const MODES = ['single', 'restart', 'queued', 'parallel'];
const MAX = 50;

function modeOf(fields: Fields, translation: Translation): JsonObject {
  const given = fields.take('mode');
  const max = fields.take('max');
  const exceeded = fields.take('max_exceeded');
  if (exceeded) {
    translation.ignore(
      exceeded.at,
      '"max_exceeded": what was refused, and why, is what "explain" says',
    );
  }
  const mode = given ? plainText(given, 'the mode') : 'single';
  if (!MODES.includes(mode))
    throw new Untranslatable(
      given?.at ?? fields.at,
      `"${mode}" is no mode`,
      `use ${MODES.join(', ')}`,
    );
  if (mode !== 'queued' && mode !== 'parallel') return mode === 'single' ? {} : { mode };
  // Of those that are queued Home Assistant also counts the one that runs
  const most = (max ? numberOf(max, 'max') : 10) - (mode === 'queued' ? 1 : 0);
  if (!Number.isInteger(most) || most < 0)
    throw new Untranslatable(
      max?.at ?? fields.at,
      '"max" is no count',
      'give a whole number above 0',
    );
  if (most === 0) return {};
  if (most > MAX)
    translation.assume(max?.at ?? fields.at, `at most ${MAX} runs at once or waiting, not ${most}`);
  return { mode, most: Math.min(MAX, most) };
}

function initialState(fields: Fields): void {
  const given = fields.take('initial_state');
  if (given?.type !== 'scalar' || given.value !== false) return;
  throw new Untranslatable(
    given.at,
    'it is switched off when Home Assistant starts, and a rule that is put is switched on',
    'put the rule, and switch it off: desired {"enabled": false} of its twin; it stays so',
  );
}
