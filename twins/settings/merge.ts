/** Partial events laid over what is known: reports over reports, changes over settings. */

type Partially<T> = { [K in keyof T]?: T[K] | null | undefined };

/**
 * What is known after a report: the fields named, where it says something.
 * @returns `known` itself when the report says nothing of them
 */
export function heard<T extends object, K extends keyof T & string>(
  known: T,
  report: { [F in K]?: T[F] | undefined },
  fields: readonly K[],
): T {
  let merged = known;
  for (const field of fields) {
    const value = report[field];
    if (value === undefined || value === known[field]) continue;
    if (merged === known) merged = { ...known };
    merged[field] = value as T[K];
  }
  return merged;
}

/**
 * Settings after a change: a value replaces, `null` resets to the default, and what the change does
 * not mention stays. A setting without a default is gone after `null`.
 */
export function changed<T extends object>(
  settings: T,
  defaults: T,
  change: Partially<T>,
  fields: readonly (keyof T & string)[],
): T {
  const next = { ...settings };
  for (const field of fields) {
    const value = change[field];
    if (value === undefined) continue;
    if (value !== null) next[field] = value;
    else if (defaults[field] !== undefined) next[field] = defaults[field];
    else delete next[field];
  }
  return next;
}
