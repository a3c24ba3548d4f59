/** The only source of time. Tests move a manual one (`engine/model/manual-clock.ts`). */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /**
   * Calls `callback` once, no earlier than `at` (epoch ms): for deadlines, which wait for their hour
   * when the clock is set back. Dispose the handle to cancel.
   */
  schedule(at: number, callback: () => void): Disposable;
  /**
   * Calls `callback` once, when `ms` have passed, wherever the clock is set meanwhile: for what waits
   * a while and tries again. Dispose the handle to cancel.
   */
  delay(ms: number, callback: () => void): Disposable;
}

/** A timeout does not notice that the clock is set; a deadline is looked at again this often. */
const LOOK_MS = 1_000;

/** A clock that shows what `now` says and goes as the machine's does. */
export function clockOf(now: () => number): Clock {
  return {
    now,
    schedule(at, callback) {
      let handle: NodeJS.Timeout;
      const arm = () => {
        handle = setTimeout(look, Math.max(0, Math.min(at - now(), LOOK_MS)));
      };
      // setTimeout may fire up to 1 ms early; a timer never may
      const look = () => (now() < at ? arm() : callback());
      arm();
      return { [Symbol.dispose]: () => clearTimeout(handle) };
    },
    delay(ms, callback) {
      const handle = setTimeout(callback, ms);
      return { [Symbol.dispose]: () => clearTimeout(handle) };
    },
  };
}

export const systemClock: Clock = clockOf(() => Date.now());
