import type { Wire } from '../../../api/e2e/wire.ts';
import type { Random } from '../random.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';

type End = 'broker' | 'store';

/** What comes to the engine, and what it says, is delayed, halved and cut. */
function badWire(name: string, scene: Pick<Scenario, 'stores' | 'brokers'>, ends: End[]): Scenario {
  return {
    name,
    ...scene,
    run: (ground, random) =>
      trouble(ground, random, { world: { wires: ends } }, async ({ world, goOn }) => {
        const wires = [world.brokerWire, world.storeWire].filter((wire) => wire !== null);
        const times = ground.size === 'short' ? 1 : random.int(2, 4);
        for (let time = 0; time < times; time++) {
          await disturbed(wires, random, () => goOn(200, 800));
          await goOn(50, 200);
        }
        return { cuts: wires.reduce((sum, { cuts }) => sum + cuts, 0) };
      }),
  };
}

async function disturbed(
  wires: readonly Wire[],
  random: Random,
  meanwhile: () => Promise<void>,
): Promise<void> {
  for (const wire of wires) {
    wire.disturb({
      random: random.fork().next,
      delayMs: random.int(0, 20),
      halves: true,
      cutAfter: random.int(10, 150),
    });
  }
  await meanwhile();
  for (const wire of wires) wire.disturb(null);
  // Now and then for good, for a while; of several, one comes back before the other
  const away = random.shuffled(wires).filter(() => random.chance(0.5));
  for (const wire of away) wire.cut();
  for (const wire of away) {
    await meanwhile();
    wire.mend();
  }
}

export const wires: readonly Scenario[] = [
  badWire('bad-wire-to-broker', { stores: BOTH_STORES, brokers: BOTH_BROKERS }, ['broker']),
  badWire('bad-wire-to-store', { stores: ['postgres'], brokers: ['mosquitto'] }, ['store']),
  badWire('bad-wires', { stores: ['postgres'], brokers: BOTH_BROKERS }, ['broker', 'store']),
];
