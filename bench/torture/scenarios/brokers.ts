import type { Mosquitto } from '../../../adapters/mqtt/testing/mosquitto.ts';
import { BOTH_STORES, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { Waivers } from '../waivers.ts';

/** The broker goes, again and again, and comes back. */
function comesBack(
  name: string,
  waivers: Waivers,
  goes: (mosquitto: Mosquitto) => Promise<unknown>,
): Scenario {
  return {
    name,
    stores: BOTH_STORES,
    brokers: ['mosquitto'],
    run: (ground, random) =>
      trouble(ground, random, { waivers }, async ({ world: { mosquitto }, goOn }) => {
        if (!mosquitto) throw new Error('there is no broker to take away');
        const times = ground.size === 'short' ? 1 : random.int(1, 3);
        for (let time = 0; time < times; time++) {
          await goes(mosquitto);
          await goOn(50, 500);
          await mosquitto.start();
          await goOn(100, 500);
        }
        return { outages: times };
      }),
  };
}

/** Mosquitto saves its sessions when it is stopped: nothing is lost. */
const restarted = comesBack('broker-restarted', {}, (mosquitto) => mosquitto.stop());

/**
 * Mosquitto acknowledges before it saves, every 15 s as we ship it: killed, it forgets what it had
 * acknowledged since, sessions included. Nobody can promise that for it. What is held: nothing twice,
 * nothing corrupt, and all that comes afterwards.
 */
const killed = comesBack('broker-killed', { brokerLost: true }, (mosquitto) => mosquitto.kill());

export const brokers: readonly Scenario[] = [restarted, killed];
