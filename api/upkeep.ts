import type { Clock } from '../engine/index.ts';

const EVERY_MS = 6 * 60 * 60_000;

/** Does it now, and again every six hours until disposed. What fails is told, and tried the next time. */
export function upkeep(
  clock: Clock,
  work: () => Promise<void>,
  onFailure: (error: unknown) => void,
): Disposable {
  let alarm: Disposable | null = null;
  const run = () => {
    alarm = clock.delay(EVERY_MS, run);
    work().catch(onFailure);
  };
  run();
  return { [Symbol.dispose]: () => alarm?.[Symbol.dispose]() };
}
