/** The version of all that somebody has in a home: it tells which of two states is the later one. */
export interface HomeVersion {
  /** The incarnation. */
  number: number;
  revision: number;
}

export function isLater(one: HomeVersion, other: HomeVersion | undefined): boolean {
  if (!other) return true;
  if (one.number !== other.number) return one.number > other.number;
  return one.revision >= other.revision;
}
