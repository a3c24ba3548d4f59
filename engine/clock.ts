/** The only source of time. Tests move a manual one (`engine/testing/manual-clock.ts`). */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls `callback` once, no earlier than `at` (epoch ms). Dispose the handle to cancel. */
  schedule(at: number, callback: () => void): Disposable;
}

/** setTimeout counts in a 32-bit integer; a later deadline is reached in hops. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(at, callback) {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const remaining = at - Date.now();
      if (remaining > LONGEST_TIMEOUT_MS) handle = setTimeout(arm, LONGEST_TIMEOUT_MS);
      // setTimeout may fire up to 1 ms early; a timer never may
      else
        handle = setTimeout(() => (Date.now() < at ? arm() : callback()), Math.max(0, remaining));
    };
    arm();
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};
