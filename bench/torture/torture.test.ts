/**
 * The short version of `npm run torture`: fixed seeds, every named point of a batch on both stores, and
 * some of everything else. The engine is the built one (`npm run build:bench`).
 */
import { describe, inject, test } from 'vitest';
import { mosquittoMissing } from '../../adapters/mqtt/testing/mosquitto.ts';
import { type Case, casesOf, missingFor, nameOf, runCase } from './case.ts';
import { SCENARIOS } from './catalogue.ts';
import type { Broker, Store } from './scenario.ts';

const SEED = 20_260_105;
const LONGEST_MS = 60_000;
/** To say what it waited for, and to put away what it has started. */
const END_MS = 30_000;

/** Kills need no Mosquitto. */
const ANY: Broker = mosquittoMissing === null ? 'mosquitto' : 'embedded';

/** One store and one broker for most: all of them are the long version's. */
const SELECTED: readonly (readonly [scenario: string, store: Store, broker: Broker])[] = [
  ['kill-at-every-point', 'sqlite', ANY],
  ['kill-at-every-point', 'postgres', ANY],
  ['kill-anywhere', 'sqlite', 'embedded'],
  ['kill-after-parking', 'postgres', 'embedded'],
  ['kill-before-cursor', 'sqlite', ANY],
  ['kill-while-rebuilding', 'sqlite', ANY],
  ['kill-while-rebuilding', 'postgres', 'embedded'],
  ['postgres-restarted', 'postgres', 'mosquitto'],
  ['postgres-paused', 'postgres', 'embedded'],
  ['broker-restarted', 'sqlite', 'mosquitto'],
  ['broker-killed', 'postgres', 'mosquitto'],
  ['bad-wire-to-broker', 'sqlite', 'mosquitto'],
  ['bad-wire-to-store', 'postgres', 'mosquitto'],
  ['disk-full', 'sqlite', 'mosquitto'],
  ['second-engine', 'sqlite', 'mosquitto'],
  ['fenced-engine', 'postgres', 'mosquitto'],
  ['clock-jumps', 'sqlite', 'mosquitto'],
  ['clock-set-back', 'sqlite', 'mosquitto'],
  ['clock-set-back-in-outage', 'postgres', 'mosquitto'],
  ['rule-waits', 'sqlite', 'embedded'],
  ['rule-waits', 'postgres', 'embedded'],
  ['doubled-and-late', 'sqlite', 'embedded'],
  ['flood', 'sqlite', 'embedded'],
  ['deaf-subscribers', 'postgres', 'mosquitto'],
  ['reconnecting-devices', 'sqlite', 'mosquitto'],
  ['absent-devices', 'sqlite', 'embedded'],
  ['reader-behind', 'postgres', 'mosquitto'],
  ['streams-resumed', 'sqlite', 'embedded'],
  ['migration-killed', 'sqlite', 'embedded'],
  ['migration-killed', 'postgres', 'embedded'],
];

const all = casesOf(SCENARIOS);

describe('every promise is kept', () => {
  for (const [scenario, store, broker] of SELECTED) {
    const one = find(scenario, store, broker);
    const missing = missingFor(one);
    const name = `${nameOf(one)}${missing === null ? '' : ` (skipped: ${missing})`}`;
    test.skipIf(missing !== null)(
      name,
      async () => {
        const ground = { postgresUrl: inject('postgresUrl'), size: 'short' as const };
        await runCase(one, ground, SEED, AbortSignal.timeout(LONGEST_MS));
      },
      LONGEST_MS + END_MS,
    );
  }
});

function find(scenario: string, store: Store, broker: Broker): Case {
  const found = all.find(
    (one) => one.scenario.name === scenario && one.store === store && one.broker === broker,
  );
  if (!found) throw new Error(`there is no ${scenario} on ${store} with ${broker}`);
  return found;
}
