import type { Json, JsonObject } from '../../../engine/index.ts';

export type Variables = Record<string, string>;

const VARIABLE = /\{(\w+)\}/g;

/** The names in braces. */
export function variablesOf(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map((match) => match[1] as string);
}

/** The MQTT filter of a topic with variables. */
export function filterOf(topic: string): string {
  return topic
    .split('/')
    .map((level) => (level.startsWith('{') ? '+' : level))
    .join('/');
}

/** The variables' values in a topic, or null when it has another shape. */
export function extract(pattern: string, topic: string): Variables | null {
  const wanted = pattern.split('/');
  const given = topic.split('/');
  if (wanted.length !== given.length) return null;
  // Without a prototype: a variable may be called `constructor`
  const found = Object.create(null) as Variables;
  for (const [index, level] of wanted.entries()) {
    const value = given[index] ?? '';
    const variable = variablesOf(level)[0];
    if (variable === undefined) {
      if (level !== value) return null;
      continue;
    }
    if (value === '' || (found[variable] !== undefined && found[variable] !== value)) return null;
    found[variable] = value;
  }
  return found;
}

/** Puts values for variables; null when one is missing. */
export function fill(text: string, values: Record<string, Json | undefined>): string | null {
  let complete = true;
  const filled = text.replaceAll(VARIABLE, (_match, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || value === null || typeof value === 'object') complete = false;
    return String(value);
  });
  return complete ? filled : null;
}

/** Fills a JSON template: a text that is one variable becomes its value with its type. Null when a value is missing. */
export function fillJson(template: Json, values: Record<string, Json | undefined>): Json | null {
  if (typeof template === 'string') {
    const only = /^\{(\w+)\}$/.exec(template)?.[1];
    if (only === undefined) return fill(template, values);
    return (Object.hasOwn(values, only) ? values[only] : undefined) ?? null;
  }
  if (template === null || typeof template !== 'object') return template;
  if (Array.isArray(template)) {
    const filled = template.map((member) => fillJson(member, values));
    return filled.some((member, index) => member === null && template[index] !== null)
      ? null
      : filled;
  }
  const filled: JsonObject = {};
  for (const [key, member] of Object.entries(template)) {
    const value = fillJson(member, values);
    if (value === null && member !== null) return null;
    filled[key] = value;
  }
  return filled;
}

/** The value at a dotted path (`metrics.temperature_c`; `.` is the whole), own members only. */
export function at(payload: Json, path: string): Json | undefined {
  if (path === '.') return payload;
  let value: Json | undefined = payload;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return value;
}
