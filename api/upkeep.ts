import type { Logger } from 'pino';
import type { Clock } from '../engine/index.ts';

const EVERY_MS = 6 * 60 * 60_000;

/** Something that removes what is of no use any more. */
export interface Upkeep {
  /** Whose it is, for the log. */
  what: string;
  tidy(): Promise<void>;
}

/**
 * Tidies now and again every six hours until disposed, one after the other. One that fails is tried the next time, and keeps no
 * other from its work.
 */
export function tidyRegularly(
  works: readonly Upkeep[],
  clock: Clock,
  logger: Logger,
): AsyncDisposable {
  let alarm: Disposable | null = null;
  let isStopping = false;
  let underway: Promise<void> = Promise.resolve();
  async function run(): Promise<void> {
    for (const { what, tidy } of works) {
      if (isStopping) return;
      await tidy().catch((error: unknown) =>
        logger.warn({ err: error, what }, 'what is of no use any more was not removed'),
      );
    }
  }
  function begin(): void {
    alarm = clock.delay(EVERY_MS, begin);
    underway = underway.then(run);
  }
  begin();
  return {
    async [Symbol.asyncDispose]() {
      isStopping = true;
      alarm?.[Symbol.dispose]();
      await underway;
    },
  };
}
