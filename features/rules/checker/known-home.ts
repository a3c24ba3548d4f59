/** What is known of a home when a rule is checked: its twins, and what their kinds let them say. */
import type { z } from 'zod';
import type { AnyKind, Json, JsonObject } from '../../../engine/kind.ts';
import type { CelType } from '../expressions/expression.ts';

export interface KnownTwin {
  id: string;
  kind: string;
  room: string | null;
  reported: JsonObject;
  desired: JsonObject;
  settings: JsonObject;
  /** Names of what it measures; absent: as its kind says. */
  measurements?: readonly string[];
}

export interface KnownHome {
  twins: ReadonlyMap<string, KnownTwin>;
  kinds: ReadonlyMap<string, AnyKind>;
}

/** What is known of a value. */
export interface Shape {
  type: CelType;
  /** All that it can be, where that is a few. */
  values?: readonly Json[];
}

const AREAS = { desired: 'desired.changed', settings: 'settings.changed' } as const;

/** Names that a twin of a kind has in an area, and what is known of each; null: anything may be there. */
export function fieldsOf(
  kind: AnyKind,
  area: 'reported' | 'desired' | 'settings',
  twin?: KnownTwin,
): ReadonlyMap<string, Shape> {
  const fields = new Map<string, Shape>();
  for (const [name, value] of Object.entries(twin?.[area] ?? {}))
    fields.set(name, { type: typeOfValue(value) });
  if (area === 'reported') {
    const { measurements } = kind;
    const ofKind = typeof measurements === 'function' ? [] : Object.keys(measurements);
    for (const name of twin?.measurements ?? ofKind) fields.set(name, { type: 'double' });
    addSchema(fields, kind.events.telemetry);
    for (const spec of Object.values(kind.commands as Record<string, { args: z.ZodObject }>)) {
      addSchema(fields, spec.args, false);
    }
  } else addSchema(fields, kind.events[AREAS[area]]);
  return fields;
}

function addSchema(into: Map<string, Shape>, schema: unknown, overrule = true): void {
  const shape = (schema as z.ZodObject | undefined)?.shape;
  for (const [name, field] of Object.entries(shape ?? {})) {
    if (overrule || !into.has(name)) into.set(name, shapeOf(field as z.ZodType));
  }
}

/** What a zod type lets through, as CEL sees it. */
function shapeOf(schema: z.ZodType): Shape {
  const { def } = schema as unknown as {
    def: { type: string; innerType?: z.ZodType; entries?: object; values?: Json[] };
  };
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return def.innerType ? shapeOf(def.innerType) : { type: 'dyn' };
    case 'number':
      return { type: 'double' };
    case 'boolean':
      return { type: 'bool', values: [true, false] };
    case 'string':
      return { type: 'string' };
    case 'enum':
      return { type: 'string', values: Object.values(def.entries ?? {}) as Json[] };
    case 'array':
      return { type: 'list' };
    case 'object':
    case 'record':
      return { type: 'map' };
    default:
      return { type: 'dyn' };
  }
}

export function typeOfValue(value: Json | undefined): CelType {
  if (typeof value === 'number') return 'double';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' && value !== null ? 'map' : 'dyn';
}

type StateNode = { states: Record<string, StateNode>; type: string };

/** The states below a path of a kind's chart: `[]` → its regions or states; null: there is no such state. */
export function statesOf(kind: AnyKind, path: readonly string[]): readonly string[] | null {
  let node = kind.machine.root as StateNode;
  for (const key of path) {
    const below = node.states[key];
    if (!below) return null;
    node = below;
  }
  return Object.keys(node.states);
}
