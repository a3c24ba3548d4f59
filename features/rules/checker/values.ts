/** Whether values fit the twins that they come from or go to. */
import type { z } from 'zod';
import { parseSafely } from '../../../engine/index.ts';
import type { AnyKind, Json, JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import type { Place } from '../language/place.ts';
import { isOpen } from './influence.ts';
import { fieldsOf, type KnownTwin, type Shape, statesOf, typeOfValue } from './known-home.ts';

/** Takes what is wrong. */
interface Says {
  say(message: string, place: Place): void;
}

/** What is known of a value of a twin; undefined: nothing, and where it is not there that has been said. */
export function shapeAt(
  checker: Says,
  path: readonly string[],
  kind: AnyKind | undefined,
  twin: KnownTwin | undefined,
  place: Place,
): Shape | undefined {
  if (!kind) return undefined;
  const [area, name, ...deeper] = path;
  if (area === 'state') {
    const states = statesOf(kind, path.slice(1));
    if (states === null) {
      const near = didYouMean(path.at(-1) ?? '', statesOf(kind, path.slice(1, -1)) ?? []);
      checker.say(`a ${kind.kind} has no state "${path.slice(1).join('.')}"${near}`, place);
      return undefined;
    }
    return { type: 'dyn', ...(states.length > 0 && { values: states }) };
  }
  if (area !== 'reported' && area !== 'desired' && area !== 'settings') return { type: 'dyn' };
  if (name === undefined) return { type: 'map' };
  const fields = fieldsOf(kind, area, twin);
  const shape = fields.get(name);
  if (!shape) {
    // A kind that says nothing of what it reports may report anything
    if (fields.size === 0 || (!twin && typeof kind.measurements === 'function'))
      return { type: 'dyn' };
    const near = didYouMean(name, fields.keys()) || `; it has: ${[...fields.keys()].join(', ')}`;
    checker.say(`a ${kind.kind} ${LACKS[area]} "${name}"${near}`, place);
    return undefined;
  }
  return deeper.length > 0 ? { type: 'dyn' } : shape;
}
const LACKS = { reported: 'reports no', desired: 'has no wish', settings: 'has no setting' };

/** Says so where a value is none that can come. */
export function checkFits(
  checker: Says,
  value: Json,
  shape: Shape | undefined,
  place: Place,
): void {
  if (!shape) return;
  const { values, type } = shape;
  if (values && !values.some((one) => one === value)) {
    const near =
      didYouMean(String(value), values.map(String)) ||
      `; it can be: ${values.map((one) => JSON.stringify(one)).join(', ')}`;
    checker.say(`it is never ${JSON.stringify(value)}${near}`, place);
  } else if (!values && type !== 'dyn' && value !== null && typeOfValue(value) !== type) {
    checker.say(`is a ${typeOfValue(value)}, and the value is a ${type}: it never fires`, place);
  }
}

/** Says what a kind does not take of an event's data. */
export function checkPayload(
  checker: Says,
  kind: AnyKind,
  event: string,
  data: JsonObject,
  place: Place,
): void {
  const schema = kind.events[event];
  if (!schema) {
    checker.say(`of a ${kind.kind} nothing can be set: it has no "${event}"`, place);
    return;
  }
  const known = Object.keys(schema.shape as object);
  for (const key of Object.keys(data)) {
    if (known.includes(key)) continue;
    const near = didYouMean(key, known) || `; it takes: ${known.join(', ')}`;
    checker.say(`a ${kind.kind} takes no "${key}"${near}`, [...place, key]);
  }
  checkBySchema(checker, schema, data, place);
}

/** Says what a schema refuses; values that are known only when the rule runs are left out. */
export function checkBySchema(
  checker: Says,
  schema: z.ZodType,
  data: JsonObject,
  place: Place,
): void {
  for (const issue of parseSafely(schema, data).error?.issues ?? []) {
    const [key] = issue.path;
    if (key !== undefined && isOpen(data[String(key)])) continue;
    checker.say(issue.message, [...place, ...(issue.path as (string | number)[])]);
  }
}

/** Whether a kind has such a command; says so where it has not. */
export function checkCommandName(
  checker: Says,
  kind: AnyKind,
  name: string,
  place: Place,
): boolean {
  const known = Object.keys(kind.commands as object);
  if (known.includes(name)) return true;
  const near =
    didYouMean(name, known) ||
    (known.length > 0 ? `; it has: ${known.join(', ')}` : '; it has none');
  checker.say(`a ${kind.kind} has no command "${name}"${near}`, place);
  return false;
}
