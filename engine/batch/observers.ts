/**
 * How twins hear of other twins of their home: a kind says whom its twins watch, the engine asks it about
 * each change of these, and what concerns it becomes its next turn, at once and in the same commit.
 */

import type { Watch } from '../model/observation.ts';
import type { LiveTwin } from '../turn/live-twin.ts';

/** The relation under which a store keeps whom a twin watches. */
export const WATCHES = 'watches';

const NOBODY: readonly string[] = [];

/** Who watches whom in one home. Immutable. */
export class HomeObservers {
  /** The watchers of each target, in the order of their ids. */
  readonly #watchers: ReadonlyMap<string, readonly string[]>;

  private constructor(watchers: ReadonlyMap<string, readonly string[]>) {
    this.#watchers = watchers;
  }

  static readonly none = new HomeObservers(new Map());

  /** A copy in which `watcher` watches these targets and no others. */
  with(watcher: string, targets: readonly string[]): HomeObservers {
    const watchers = new Map<string, readonly string[]>();
    for (const [target, those] of this.#watchers) {
      const others = those.filter((other) => other !== watcher);
      if (others.length > 0) watchers.set(target, others);
    }
    for (const target of targets) {
      watchers.set(target, [...(watchers.get(target) ?? []), watcher].sort());
    }
    return watchers.size === 0 ? HomeObservers.none : new HomeObservers(watchers);
  }

  /** Who watches this twin, in the order of their ids. */
  of({ twin, kind, room }: { twin: string; kind: string; room: string | null }): readonly string[] {
    if (this.#watchers.size === 0) return NOBODY;
    const found = [
      this.#watchers.get(`twin:${twin}`),
      this.#watchers.get(`kind:${kind}`),
      room === null ? undefined : this.#watchers.get(`room:${room}`),
      this.#watchers.get('*'),
    ].filter((some) => some !== undefined);
    if (found.length <= 1) return found[0] ?? NOBODY;
    return [...new Set(found.flat())].sort();
  }
}

/** Whom a twin watches, as its relation's targets: sorted, each once. */
export function watchTargets({ kindOf, snapshot }: LiveTwin): readonly string[] {
  if (!kindOf.watches) return NOBODY;
  return [...new Set(kindOf.watches(snapshot.context).map(targetOf))].sort();
}

function targetOf(watch: Watch): string {
  if ('twin' in watch) return `twin:${watch.twin}`;
  if ('room' in watch) return `room:${watch.room}`;
  if ('kind' in watch) return `kind:${watch.kind}`;
  return '*';
}
