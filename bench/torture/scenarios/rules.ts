import { connectAsync } from 'mqtt';
import { until } from '../patience.ts';
import { BOTH_STORES, type Scenario } from '../scenario.ts';
import { World } from '../world.ts';

const MINUTE_MS = 60_000;
const NOTICED_MS = 20_000;
const HOME = '/v1/homes/flat';
const RULE = `rule: airing
triggers:
  - { twin: window, path: reported.contact, to: false, for: 10m }
actions:
  - set: { twin: fan, desired: { on: true } }
  - delay: 5m
  - set: { twin: fan, desired: { on: false } }
`;
/** The clocks change at one o'clock UTC, in Berlin; eight minutes before that a hold of ten has the change within it, and twelve before, the delay after it. */
const CHANGES = ['2027-03-28T01:00:00Z', '2027-10-31T01:00:00Z'];
const BEFORE_MS = [8 * MINUTE_MS, 12 * MINUTE_MS];

interface Twin {
  desired: { on?: boolean };
}
interface Turns {
  items: { receivedAt: string; event: { type: string; timer?: string } }[];
}

/** A rule holds for ten minutes and delays for five; the engine is killed in each wait, and the clocks change in one of them. */
const waits: Scenario = {
  name: 'rule-waits',
  stores: BOTH_STORES,
  brokers: ['embedded'],
  async run(ground, random) {
    const change = random.pick(CHANGES);
    const before = random.pick(BEFORE_MS);
    const began = Date.parse(change) - before;
    const world = await World.open(ground);
    const { engine } = world;
    let now = began;
    const clockIs = async (at: number) => {
      now = at;
      await world.setClock(at - Date.now());
    };
    /** The new process's clock goes on where the old one's stood. */
    const killed = async () => {
      await engine.kill();
      const starts = engine.start();
      await world.setClock(now - Date.now());
      await starts;
    };
    const fanIs = async (on: boolean | undefined) => {
      const { desired } = await engine.get<Twin>(`${HOME}/twins/fan`);
      return desired.on === on;
    };
    const mustBe = async (on: boolean | undefined, when: string) => {
      if (!(await fanIs(on))) throw new Error(`${when} the fan is not to be ${on}`);
    };

    await clockIs(began);
    await engine.request('POST', '/v1/homes', { id: 'flat', timezone: 'Europe/Berlin' });
    const devices = await connectAsync(engine.mqttUrl);
    const say = (topic: string, payload: object) =>
      devices.publishAsync(`homeostat/flat/${topic}/telemetry`, JSON.stringify(payload), {
        qos: 1,
      });
    await say('sensor/window', { contact: true });
    await say('relay/fan', { on: false });
    await engine.request('PUT', `${HOME}/rules/airing`, { source: RULE });
    await say('sensor/window', { contact: false });
    await devices.endAsync();
    const held = await dueOf(world, 'hold:');

    await clockIs(held - 4 * MINUTE_MS);
    await killed();
    await clockIs(held - 2_000);
    await mustBe(undefined, 'before ten minutes');
    await clockIs(held);
    await until(NOTICED_MS, 'the rule runs after its hold', () => fanIs(true));
    const delayed = await dueOf(world, 'run:');

    await clockIs(delayed - 3 * MINUTE_MS);
    await killed();
    await clockIs(delayed - 2_000);
    await mustBe(true, 'before the delay is over');
    await clockIs(delayed);
    await until(NOTICED_MS, 'the rule goes on after its delay', () => fanIs(false));

    const { items } = await engine.get<Turns>(`${HOME}/twins/airing/journal?limit=50`);
    const fired = items.filter(
      ({ event }) => event.type === 'timer.fired' && event.timer !== 'settle',
    );
    const lateMs = fired.map(
      ({ receivedAt }, at) => Date.parse(receivedAt) - (at === 0 ? delayed : held),
    );
    if (fired.length !== 2 || lateMs.some((ms) => ms < 0)) {
      throw new Error(`fired ${fired.length} times, ${lateMs.join(' and ')} ms after its time`);
    }
    return { kills: 2, latestMs: Math.max(...lateMs) };
  },
};

/** When a wait of the rule is over, epoch ms. */
async function dueOf({ engine }: World, prefix: string): Promise<number> {
  const { items } = await engine.until<{ items: { id: string; due: string }[] }>(
    `${HOME}/twins/airing/timers`,
    (answer) => answer.items.some(({ id }) => id.startsWith(prefix)),
  );
  return Date.parse(items.find(({ id }) => id.startsWith(prefix))?.due ?? '');
}

export const rules: readonly Scenario[] = [waits];
