/**
 * What a record holds under a key that somebody outside may have chosen: never what every object
 * has, such as `constructor`.
 */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
