import type { Device } from '../device.ts';
import { until } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Scenario } from '../scenario.ts';
import { arrives, command, NOTICED_MS, sleepers } from '../sleepers.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

const LONG_MS = 10 * 60_000;

/** Commands for devices that are away: what expires meanwhile is never carried out, the rest is. */
const absent: Scenario = {
  name: 'absent-devices',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    const fleet = { homes: 2, thermostats: 2, relays: 1, sensors: 1 };
    return trouble(ground, random, { fleet }, async ({ world, goOn }) => {
      const short = await sleepers(world, 'short', 4);
      const long = await sleepers(world, 'long', 4);
      const asked: { device: Device; id: string; expires: boolean }[] = [];
      for (const device of random.shuffled([...short, ...long])) {
        const expires = short.includes(device);
        const ttl = expires ? random.int(800, 2_000) : LONG_MS;
        asked.push({ device, expires, id: await command(world, device, ttl) });
      }
      if (random.chance(0.5)) {
        await world.engine.kill();
        await world.engine.start();
      }
      for (const { device, id, expires } of asked) {
        if (expires) await hasExpired(world, device, id);
      }
      // Longer than a broker may be late with an expiry
      await goOn(1_500, 2_000);
      await Promise.all([...short, ...long].map((device) => device.comeBack()));
      for (const { id, expires } of asked) {
        if (expires) continue;
        await arrives(world, id);
      }
      return { expired: short.length };
    });
  },
};

async function hasExpired(world: World, { home }: Device, id: string): Promise<void> {
  const path = `/v1/homes/${home}/intents/${encodeURIComponent(id)}`;
  await until(NOTICED_MS, `${id} expired`, async () => {
    return (await world.engine.get<{ status: string }>(path)).status === 'expired';
  });
}

export const absences: readonly Scenario[] = [absent];
