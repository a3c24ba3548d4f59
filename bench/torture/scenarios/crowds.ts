import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { arrives, command, sleepers } from '../sleepers.ts';
import { trouble } from '../trouble.ts';

const TTL_MS = 10 * 60_000;

/**
 * Devices whose connections break all the time, with reports and commands under way. A command for
 * one that is away all the while waits for it, whoever else comes and goes.
 */
const reconnecting: Scenario = {
  name: 'reconnecting-devices',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const fleet = { homes: 10, thermostats: 12, relays: 4, sensors: 4 };
    return trouble(ground, random, { fleet }, async ({ world, devices, goOn }) => {
      const away = await sleepers(world, 'away', 2);
      const asked = await Promise.all(away.map((device) => command(world, device, TTL_MS)));
      let drops = 0;
      const rounds = ground.size === 'short' ? 20 : 60;
      for (let round = 0; round < rounds; round++) {
        const share = random.pick([0.02, 0.1, 0.5]);
        for (const device of devices) {
          if (!random.chance(share)) continue;
          device.drop();
          drops++;
        }
        await goOn(10, 80);
      }
      await Promise.all(away.map((device) => device.comeBack()));
      for (const id of asked) await arrives(world, id);
      return { drops };
    });
  },
};

export const crowds: readonly Scenario[] = [reconnecting];
