import { mosquittoMissing } from '../../adapters/mqtt/testing/mosquitto.ts';
import { CaseStack } from './case-stack.ts';
import { waitedFor } from './patience.ts';
import { Random } from './random.ts';
import type { Broker, Ground, Report, Scenario, Store } from './scenario.ts';

/** A scenario on a store and a broker. */
export interface Case {
  scenario: Scenario;
  store: Store;
  broker: Broker;
}

export function casesOf(scenarios: readonly Scenario[]): Case[] {
  return scenarios.flatMap((scenario) =>
    scenario.stores.flatMap((store) =>
      scenario.brokers.map((broker) => ({ scenario, store, broker })),
    ),
  );
}

export function nameOf({ scenario, store, broker }: Case): string {
  return `${scenario.name} on ${store} with ${broker}`;
}

/** Why it cannot run here; null when it can. */
export function missingFor({ scenario, store, broker }: Case): string | null {
  if (broker === 'mosquitto' && mosquittoMissing) return mosquittoMissing;
  return scenario.missing?.({ store }) ?? null;
}

/**
 * Runs it, and puts away whatever it has started.
 * @throws Error when a promise was broken, or the signal breaks it off
 */
export async function runCase(
  { scenario, store, broker }: Case,
  ground: Pick<Ground, 'postgresUrl' | 'size' | 'behind'>,
  seed: number,
  signal: AbortSignal,
): Promise<Report> {
  const stack = new CaseStack();
  let breakOff = () => {};
  const brokenOff = new Promise<never>((_, reject) => {
    breakOff = () => reject(new Error(`broken off; it waited for: ${waitedFor()}`));
  });
  signal.addEventListener('abort', breakOff);
  try {
    const running = scenario.run({ ...ground, store, broker, stack }, new Random(seed));
    return await Promise.race([running, brokenOff]);
  } finally {
    signal.removeEventListener('abort', breakOff);
    await stack[Symbol.asyncDispose]();
  }
}
