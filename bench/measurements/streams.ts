import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import { ResumingClients } from '../child.ts';
import { homeostat } from '../contestant.ts';
import { type FleetShape, homeOf } from '../load/fleet.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import { makeStand, nameOf, type Where } from '../stand.ts';

/** One home, so that a client is told everything. */
const FLEET: FleetShape = { devices: 200, homes: 1, kind: 'sensor', prefix: 's' };
const PER_SECOND = 2_000;
const CUT_EVERY_MS = 1_000;
const END_SECONDS = 30;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'Mosquitto' },
  { store: 'SQLite', broker: 'Mosquitto' },
];

/** Clients that are cut off every second see each change once and in order. */
export const streams: Measurement = {
  name: 'streams',
  title: `Live streams of a home with ${PER_SECOND.toLocaleString('en')} events/s whose clients are cut off every second and go on where they were`,
  async run(setting) {
    const figures: Figure[] = [];
    for (const where of ENGINES) figures.push(...(await cutOff(setting, where)));
    return figures;
  },
};

async function cutOff(setting: Setting, where: Where): Promise<Figure[]> {
  await using contestant = await homeostat(setting, await makeStand(setting, where), FLEET);
  const { engine } = contestant;
  if (!engine) throw new Error('there is no engine');
  const home = homeOf(FLEET, 0);
  await using clients = await ResumingClients.start({ url: engine.url, token: TOKEN, home });
  const seconds = setting.quick ? 5 : 60;
  setting.progress.say(`${nameOf(where)}: streams are cut off for ${seconds} s`);
  const load = { type: 'paced', perSecond: PER_SECOND } as const;
  await Promise.all([clients.cut(CUT_EVERY_MS, seconds), contestant.run(load, seconds + 1, 0)]);
  const { items } = await engine.get<{ items: { id: string; revision: number }[] }>(
    `/v1/homes/${home}/twins?limit=${FLEET.devices}`,
  );
  const revisions = Object.fromEntries(items.map(({ id, revision }) => [id, revision]));
  const results = await clients.count(revisions, END_SECONDS);
  return results.flatMap(({ door, cuts, seen, missed, doubled, outOfOrder, gaps }): Figure[] => {
    const of = `${nameOf(where)}, ${door}`;
    const none = { unit: '', target: { atMost: 0 } };
    return [
      { what: `${of}: cuts`, unit: '', value: cuts },
      { what: `${of}: changes seen`, unit: '', value: seen },
      { what: `${of}: missed`, value: missed, ...none },
      { what: `${of}: seen twice`, value: doubled, ...none },
      { what: `${of}: out of order`, value: outOfOrder, ...none },
      { what: `${of}: told of a gap`, value: gaps, ...none },
    ];
  });
}
