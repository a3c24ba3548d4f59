import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import { MAX_CONNECTIONS_OF_ONE } from '../../api/live/live-connections.ts';
import { Followers, Reader } from '../child.ts';
import { type Contestant, homeostat } from '../contestant.ts';
import { type FleetShape, homeOf, twinOf } from '../load/fleet.ts';
import type { ReadOrder } from '../load/reader.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import { makeStand } from '../stand.ts';

const WHERE = { store: 'PostgreSQL', broker: 'Mosquitto' } as const;
const FLEET: FleetShape = { devices: 2_000, homes: 100, kind: 'thermostat', prefix: 'r' };
const INGEST = 1_000;
const CONNECTIONS = 16;
const FOLLOWED: FleetShape = { devices: 20, homes: 1, kind: 'sensor', prefix: 'f' };
const CLIENTS = MAX_CONNECTIONS_OF_ONE;
const REPORTS = 200;

/** What apps get while devices report. */
export const api: Measurement = {
  name: 'api',
  title: `API on ${WHERE.store}: one twin a request over ${CONNECTIONS} connections; live streams over WebSocket`,
  async run(setting) {
    return [...(await reads(setting)), ...(await fanOut(setting))];
  },
};

async function reads(setting: Setting): Promise<Figure[]> {
  await using contestant = await homeostat(setting, await makeStand(setting, WHERE), FLEET);
  await using reader = Reader.start();
  const seconds = setting.quick ? 2 : 8;
  const order = { urls: twinsOf(contestant), token: TOKEN, connections: CONNECTIONS, seconds };
  await reader.read({ ...order, seconds: 2 });
  const alone = await reader.read(order);
  setting.progress.say(`reads alone: ${Math.round(alone.perSecond)}/s`);
  const beside = await besideIngest(contestant, reader, order);
  const what = `reads of a twin, ${CONNECTIONS} connections at once`;
  return [
    { what: `${what}, alone`, unit: '/s', value: alone.perSecond },
    { what: `${what}, alone, p99`, unit: 'ms', value: alone.latency.p99 },
    { what: `${what}, beside ${INGEST} round trips/s`, unit: '/s', value: beside.perSecond },
    { what: `${what}, beside ${INGEST} round trips/s, p99`, unit: 'ms', value: beside.latency.p99 },
  ];
}

async function besideIngest(contestant: Contestant, reader: Reader, order: ReadOrder) {
  const load = { type: 'paced', perSecond: INGEST } as const;
  const [, result] = await Promise.all([
    contestant.run(load, order.seconds, 1),
    reader.read(order),
  ]);
  return result;
}

function twinsOf({ engine }: Contestant): string[] {
  return Array.from(
    { length: FLEET.devices },
    (_, n) => `${engine?.url}/v1/homes/${homeOf(FLEET, n % FLEET.homes)}/twins/${twinOf(n)}`,
  );
}

async function fanOut(setting: Setting): Promise<Figure[]> {
  await using contestant = await homeostat(setting, await makeStand(setting, WHERE), FOLLOWED);
  setting.progress.say(`${CLIENTS} clients follow a home`);
  await using followers = await Followers.start({
    url: `${contestant.engine?.url.replace('http', 'ws')}/v1/live`,
    token: TOKEN,
    home: homeOf(FOLLOWED, 0),
    clients: CLIENTS,
  });
  const seconds = setting.quick ? 3 : 10;
  const load = { type: 'paced', perSecond: REPORTS } as const;
  const [counted] = await Promise.all([
    followers.count(seconds),
    contestant.run(load, seconds + 1, 0),
  ]);
  const what = `live stream, ${CLIENTS} WebSocket clients on one home with ${REPORTS} turns a second`;
  return [
    { what: `${what}: messages received`, unit: '/s', value: counted.perSecond },
    { what: `${what}: event to receipt, p50`, unit: 'ms', value: counted.latency.p50 },
    { what: `${what}: event to receipt, p99`, unit: 'ms', value: counted.latency.p99 },
    { what: `${what}: missed`, unit: '', value: counted.missed },
  ];
}
