import type { Facts, Read } from '../model/facts.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { own } from '../model/own.ts';
import { aspectOf } from './aspect.ts';
import type { LiveTwin } from './live-twin.ts';

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
