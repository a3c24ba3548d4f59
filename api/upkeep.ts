import type { Logger } from 'pino';
import type { Clock } from '../engine/index.ts';

const EVERY_MS = 6 * 60 * 60_000;

/**
 * Removes what is of no use any more, now and again every six hours until disposed, one work after the other. One that fails is
 * tried the next time, and keeps no other from its work.
 */
export function tidyRegularly(
  works: readonly (() => Promise<void>)[],
  clock: Clock,
  logger: Logger,
): Disposable {
  const unremoved = (error: unknown) =>
    logger.warn({ err: error }, 'something that is of no use any more was not removed');
  let alarm: Disposable | null = null;
  const run = async () => {
    alarm = clock.delay(EVERY_MS, () => void run());
    for (const work of works) await work().catch(unremoved);
  };
  void run();
  return { [Symbol.dispose]: () => alarm?.[Symbol.dispose]() };
}
