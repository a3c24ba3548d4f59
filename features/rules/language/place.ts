/** A way into what an author wrote: keys and indices. */
export type Place = readonly (string | number)[];

/** `triggers[0].twin`. */
export function pathOf(place: Place): string {
  return place.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`,
    '',
  );
}
