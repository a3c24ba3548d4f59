import type { Intake } from './intake.ts';
import type { MqttOptions } from './options.ts';

const DEFAULT_DRAIN_MS = 5_000;

/** Waits for what was dispatched to commit and be acknowledged, but not for ever: the broker keeps the rest. */
export async function drained(
  { engine, drainMs = DEFAULT_DRAIN_MS }: MqttOptions,
  intake: Intake,
): Promise<void> {
  let alarm: Disposable | undefined;
  const late = new Promise<void>((resolve) => {
    alarm = engine.clock.delay(drainMs, resolve);
  });
  await Promise.race([intake.idle(), late]);
  alarm?.[Symbol.dispose]();
  // The acknowledgements of what has just been committed leave within two ticks
  for (let tick = 0; tick < 2; tick++) await new Promise((resolve) => setImmediate(resolve));
}
