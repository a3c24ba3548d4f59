import type { Clock } from '../engine/index.ts';

const EVERY_MS = 6 * 60 * 60_000;

/**
 * Does all of it now, one after the other, and again every six hours until disposed. What fails is told, and tried the next time;
 * the others go on.
 */
export function upkeep(
  clock: Clock,
  works: readonly (() => Promise<void>)[],
  onFailure: (error: unknown) => void,
): Disposable {
  let alarm: Disposable | null = null;
  const run = async () => {
    alarm = clock.delay(EVERY_MS, () => void run());
    for (const work of works) await work().catch(onFailure);
  };
  void run();
  return { [Symbol.dispose]: () => alarm?.[Symbol.dispose]() };
}
