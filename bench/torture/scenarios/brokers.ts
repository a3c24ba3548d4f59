import { BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';

/** Mosquitto saves its sessions when it is stopped: nothing is lost. */
const restarted: Scenario = {
  name: 'broker-restarted',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, {}, async ({ world, goOn }) => {
      const times = ground.size === 'short' ? 1 : random.int(1, 3);
      for (let time = 0; time < times; time++) {
        await world.mosquitto?.stop();
        await goOn(50, 500);
        await world.mosquitto?.start();
        await goOn(100, 500);
      }
      return { restarts: times };
    }),
};

/**
 * Mosquitto acknowledges before it saves, every 15 s as we ship it: killed, it forgets what it had
 * acknowledged since, sessions included. Nobody can promise that for it. What is held: nothing twice,
 * nothing corrupt, and all that comes afterwards.
 */
const killed: Scenario = {
  name: 'broker-killed',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, { waivers: { brokerLost: true } }, async ({ world, goOn }) => {
      const times = ground.size === 'short' ? 1 : random.int(1, 3);
      for (let time = 0; time < times; time++) {
        await world.mosquitto?.kill();
        await goOn(50, 500);
        await world.mosquitto?.start();
        await goOn(100, 500);
      }
      return { brokerKills: times };
    }),
};

export const brokers: readonly Scenario[] = [restarted, killed];
