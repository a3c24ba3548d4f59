/**
 * Reported values that are not numbers: on or off, open or closed, a mode. Numbers are measured (rollups.ts); of
 * these the journal keeps each change, in the row of the turn that made it, so that their history can be read
 * without folding anything.
 */
import type { JsonObject } from './json.ts';
import { own } from './own.ts';

/** Null: nothing is reported, or a number or a structure. */
export type Label = boolean | string | null;
export type Labels = { [key: string]: Label };

/** Characters of a text that count: a longer one may be anything, and each change of it is kept. */
const LONGEST_TEXT = 120;

export function labelOf(value: unknown): Label {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT);
  return typeof value === 'boolean' ? value : null;
}

/** The labels that differ; null: none, as of nearly every turn. */
export function labelChanges(before: JsonObject, after: JsonObject): Labels | null {
  if (before === after) return null;
  const changes: [string, Label][] = [];
  for (const key of Object.keys(after)) {
    const label = labelOf(after[key]);
    if (label !== labelOf(own(before, key))) changes.push([key, label]);
  }
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key) || labelOf(before[key]) === null) continue;
    changes.push([key, null]);
  }
  // Defines properties of any name, where an assignment would set a prototype
  return changes.length > 0 ? Object.fromEntries(changes) : null;
}
