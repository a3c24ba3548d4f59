/** A value that an action gives a twin. */
import type { Json } from '../../../engine/kind.ts';
import type { Place } from '../language/place.ts';

export interface Influence {
  twin: string;
  /** The kind of the twin; undefined: nobody knows such a twin. */
  kind: string | undefined;
  /** A property of `desired`, and sooner or later of `reported`. */
  property: string;
  value: Json;
  place: Place;
}

/** What an action gives to these twins. @param kindOf of a twin by its name */
export function influencesOn(
  target: string | string[],
  values: Record<string, Json>,
  place: Place,
  kindOf: (twin: string) => string | undefined,
): Influence[] {
  return [target].flat().flatMap((twin) =>
    Object.entries(values).map(([property, value]) => ({
      ...{ twin, kind: kindOf(twin), property, value },
      place: [...place, property],
    })),
  );
}

/** A value that is known only when the rule runs. */
export function isOpen(value: Json | undefined): boolean {
  return JSON.stringify(value ?? null).includes('${');
}
