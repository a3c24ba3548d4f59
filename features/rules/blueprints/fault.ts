/** Who is at fault where something that was made of values is wrong: the value that was given, or the text around it. */
import type { Json } from '../../../engine/kind.ts';
import type { Place } from '../language/place.ts';
import type { Problem } from '../language/problem.ts';
import { usesOf, type Values } from './substitute.ts';

/**
 * The input whose value is wrong; null: it is the text's own fault.
 * @param place of the problem, in the body
 */
export function inputAtFault(
  body: Json,
  place: Place,
  { message }: Pick<Problem, 'message'>,
  values: Values,
): string | null {
  let at: Json | undefined = body;
  for (const key of place) {
    const [use] = at === undefined ? [] : usesOf(at);
    if (use?.isWhole && use.place.length === 0) return use.input;
    at = memberOf(at, key);
  }
  if (at === undefined) return null;
  const uses = usesOf(at);
  const [only] = uses;
  if (only?.isWhole && only.place.length === 0) return only.input;
  // Of several in an expression or a list, that of whose value the problem speaks
  const named = uses.find(({ input }) =>
    [values.get(input) ?? []].flat().some((value) => message.includes(JSON.stringify(value))),
  );
  return named?.input ?? null;
}

function memberOf(value: Json | undefined, key: string | number): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string | number, Json>)[key];
}
