/**
 * How twins hear of other twins of their home: a kind says whom its twins watch, the engine asks it about
 * each change of these, and what concerns it becomes its next turn, at once and in the same commit.
 */
import type { Turned } from './draft.ts';
import { type Address, type EventData, keyOf } from './envelope.ts';
import type { Json, JsonObject } from './json.ts';
import type { LiveTwin } from './live-twin.ts';
import type { AlertRow, IntentWrite } from './rows.ts';

/** Whose changes a twin wants to hear of: one twin of its home, all in a room, all of a kind, or everyone. */
export type Watch = { twin: string } | { room: string } | { kind: string } | { everyone: true };

/** A twin as others see it. */
export interface Aspect {
  /** The XState value. */
  state: Json;
  reported: JsonObject;
  desired: JsonObject;
  settings: JsonObject;
  /** Keys of its alerts that are not cleared. */
  alerts: readonly string[];
  room: string | null;
}

/** A turn of a twin as its watchers see it. */
export interface Observation extends Address {
  kind: string;
  name: string;
  /** Null: the twin came into being. */
  before: Aspect | null;
  after: Aspect;
  event: EventData;
  eventId: string;
  /** When it happened, epoch ms; `receivedAt` is the turn's own time. */
  at: number;
  receivedAt: number;
  /** Id of the turn: `home/twin@revision`. */
  turn: string;
  /** Commands and alerts that changed with this turn, as they are now. */
  intents: readonly IntentWrite[];
  alerts: readonly AlertRow[];
}

/** The relation under which a store keeps whom a twin watches. */
export const WATCHES = 'watches';

const NOBODY: readonly string[] = [];

/** Who watches whom in one home. Immutable. */
export class HomeWatches {
  /** By target: watchers, in the order of their ids. */
  readonly #watchers: ReadonlyMap<string, readonly string[]>;

  private constructor(watchers: ReadonlyMap<string, readonly string[]>) {
    this.#watchers = watchers;
  }

  static readonly none = new HomeWatches(new Map());

  /** With `watcher` watching these targets and no others. */
  with(watcher: string, targets: readonly string[]): HomeWatches {
    const watchers = new Map<string, readonly string[]>();
    for (const [target, those] of this.#watchers) {
      const others = those.filter((other) => other !== watcher);
      if (others.length > 0) watchers.set(target, others);
    }
    for (const target of targets) {
      watchers.set(target, [...(watchers.get(target) ?? []), watcher].sort());
    }
    return watchers.size === 0 ? HomeWatches.none : new HomeWatches(watchers);
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

export function observationOf(before: LiveTwin | null, turned: Turned): Observation {
  const { twin, journal } = turned;
  return {
    home: twin.home,
    twin: twin.twin,
    kind: twin.kind,
    name: twin.name,
    before: before && aspectOf(before),
    after: aspectOf(twin),
    event: journal.event,
    eventId: journal.eventId,
    at: journal.at,
    receivedAt: journal.receivedAt,
    turn: `${keyOf(twin)}@${twin.revision}`,
    intents: turned.intents,
    alerts: turned.alerts,
  };
}

export function aspectOf({ snapshot, view, state, room }: LiveTwin): Aspect {
  return {
    state: snapshot.value as Json,
    reported: view.reported,
    desired: view.desired,
    settings: view.settings,
    alerts: Object.keys(state.alerts),
    room,
  };
}
