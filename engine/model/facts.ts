import type { JsonObject } from './json.ts';

/** A value of another twin of the home: `path` begins with a field of its {@link Aspect}. */
export interface Read {
  twin: string;
  path: readonly string[];
}

/** The parts of aspects that were asked for, by twin. A twin or a value that is not there is left out. */
export type Facts = { [twin: string]: JsonObject };
