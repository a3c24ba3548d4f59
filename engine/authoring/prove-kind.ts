import type { AnyKind } from '../kind.ts';
import { messageOf } from '../model/errors.ts';
import { Dice } from './dice.ts';
import { type EventMakers, type Life, livesOf } from './life.ts';
import { type KindPromise, PROMISES } from './promises.ts';

/** Shorter lives that are tried to say briefly what breaks a promise. */
const MAX_SHORTER = 300;

export interface ProofOptions {
  /** How many lives are tried. Default 100, which take a second or two. */
  lives?: number;
  /** The same seed tries the same lives. Default 1. */
  seed?: number;
  /**
   * By event type, how one is made that its schema does not describe well enough to be made at random:
   * `{ 'plan.set': (dice) => ({ type: 'plan.set', cron: dice.oneOf(['0 6 * * *', '30 22 * * *']) }) }`.
   */
  events?: EventMakers;
}

/**
 * Tries what every kind promises with lives made at random from its schemas, each of up to 40 events, passing
 * hours, outages and acknowledgements: it is pure, it survives being stored between any two events, its
 * journal replays to its state, its view is JSON, and nothing that its schemas let in makes it fail.
 *
 * It is a function and no test, so that every test runner will do, and it brings its own dice, so that authors
 * install nothing for it.
 *
 * @throws Error with the promise that is broken, how, and the shortest life that was found to break it
 */
export function proveKind(kind: AnyKind, options: ProofOptions = {}): void {
  for (const promise of PROMISES) provePromise(kind, promise, options);
}

/** One of {@link PROMISES}. @throws Error */
export function provePromise(kind: AnyKind, promise: KindPromise, options: ProofOptions): void {
  const { lives = 100, seed = 1, events = {} } = options;
  const dice = new Dice(seed);
  const newLife = livesOf(kind, events);
  for (let n = 0; n < lives; n++) {
    const life = newLife(dice);
    const flaw = flawOf(kind, promise, life);
    if (flaw === null) continue;
    const shortest = shortened(kind, promise, life);
    throw new Error(
      `kind "${kind.kind}" breaks a promise (seed ${seed}, life ${n + 1}): it ${promise.says}\n` +
        `  ${flawOf(kind, promise, shortest)}\n` +
        `  in this life: ${JSON.stringify(shortest)}`,
    );
  }
}

function flawOf(kind: AnyKind, promise: KindPromise, life: Life): string | null {
  try {
    return promise.brokenBy(kind, life);
  } catch (error) {
    return messageOf(error);
  }
}

/** Leaves out what is not needed to break it, large pieces first. */
function shortened(kind: AnyKind, promise: KindPromise, life: Life): Life {
  let shortest = life;
  let tries = 0;
  for (let size = Math.ceil(life.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < shortest.length && tries < MAX_SHORTER; tries++) {
      const shorter = shortest.toSpliced(at, size);
      if (flawOf(kind, promise, shorter) === null) at += size;
      else shortest = shorter;
    }
  }
  return shortest;
}
