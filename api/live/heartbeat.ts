import type { Clock } from '../../engine/index.ts';

export const HEARTBEAT_MS = 15_000;

/** Calls `beat` every 15 s until disposed. */
export function heartbeat(clock: Clock, beat: () => void): Disposable {
  let alarm = clock.delay(HEARTBEAT_MS, tick);

  function tick(): void {
    alarm = clock.delay(HEARTBEAT_MS, tick);
    beat();
  }

  return { [Symbol.dispose]: () => alarm[Symbol.dispose]() };
}
