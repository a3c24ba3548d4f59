import type { Json, JsonObject } from './json.ts';
import type { LiveTwin } from './live-twin.ts';
import { own } from './own.ts';
import { aspectOf } from './watching.ts';

/** A value of another twin of the home: `path` begins with a field of its {@link Aspect}. */
export interface Read {
  twin: string;
  path: readonly string[];
}

/** By twin: of its aspect the parts that were asked for. A twin or a value that is not there is left out. */
export type Facts = { [twin: string]: JsonObject };

/** Gathers what is to be read. @param twinOf null: there is no such twin */
export function gatherFacts(
  reads: readonly Read[],
  twinOf: (id: string) => LiveTwin | null,
): Facts {
  const facts: Facts = {};
  for (const { twin: id, path } of reads) {
    const twin = twinOf(id);
    if (!twin) continue;
    facts[id] ??= {};
    copy(aspectOf(twin) as unknown as Json, path, facts[id]);
  }
  return facts;
}

/** Copies the value at `path` to the same place in `into`; what is there already is a part or the whole of it. */
function copy(from: Json, path: readonly string[], into: JsonObject): void {
  let source: Json = from;
  let target: JsonObject = into;
  for (const [at, key] of path.entries()) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) return;
    const value: Json | undefined = own(source, key);
    if (value === undefined) return;
    if (at === path.length - 1) {
      target[key] = value;
      return;
    }
    const below = own(target, key);
    if (below === value) return;
    if (typeof below === 'object' && below !== null && !Array.isArray(below)) {
      target = below;
    } else {
      const made: JsonObject = {};
      target[key] = made;
      target = made;
    }
    source = value;
  }
}
