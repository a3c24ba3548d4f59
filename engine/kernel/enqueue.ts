import { assign, cancel, emit, raise, sendParent, sendTo, spawnChild, stopChild } from 'xstate';

/** What the present call of `enqueueActions` has asked for; null: none is under way. */
let asked: unknown[] | null = null;

/** An action creator of XState, whose result is put among what is asked for. */
function enqueuing(create: (...args: never[]) => unknown): (...args: unknown[]) => void {
  const make = create as (...args: unknown[]) => unknown;
  return (...args) => asked?.push(make(...args));
}

/** What `enqueueActions` gives to its function. XState makes these for each call anew. */
export const enqueue = Object.assign(
  (action: unknown): void => {
    asked?.push(action);
  },
  {
    assign: enqueuing(assign),
    cancel: enqueuing(cancel),
    raise: enqueuing(raise),
    sendTo: enqueuing(sendTo),
    sendParent: enqueuing(sendParent),
    spawnChild: enqueuing(spawnChild),
    stopChild: enqueuing(stopChild),
    emit: enqueuing(emit),
  },
);

/** Runs a function that enqueues actions, and puts them into a list. What it enqueues later is lost, as it is in XState. */
export function collectInto(actions: unknown[], run: () => void): void {
  const outer = asked;
  asked = actions;
  try {
    run();
  } finally {
    asked = outer;
  }
}
