import type { HomeostatProcess } from '../../../api/e2e/homeostat-process.ts';
import { ReleaseStack } from '../../../api/release-stack.ts';
import { MAX_QUICK_OF_ONE } from '../../../features/rules/work/threads.ts';
import { atOnce } from '../../at-once.ts';
import { type Contestant, homeostat, type Measured } from '../../contestant.ts';
import { type FleetShape, homeOf, twinOf } from '../../load/fleet.ts';
import type { Figure, Setting } from '../../measurement.ts';
import { makeStand, type Where } from '../../stand.ts';
import { contest, middle, ratio } from '../contest.ts';

const WHERE: Where = { store: 'PostgreSQL', broker: 'Mosquitto' };
const SPACING = 50;
const SENSORS = 3;
const RULES = 10;
/** Above all that sensors of the load report. */
const LIMIT = 100;

/** Which of a home's sensors reports, and how many of the home's ten rules listen to it. */
const SORTS = [
  { name: 'one rule listens', sensor: 0 },
  { name: 'nine rules listen', sensor: 1 },
  { name: 'no rule listens', sensor: 2 },
] as const;

/** What an event costs where rules listen without being set off, or are in the same home. */
export async function listening(setting: Setting): Promise<Figure[]> {
  const homes = setting.quick ? 100 : 1_000;
  const fleet: FleetShape = { devices: homes * SENSORS, homes, kind: 'sensor', prefix: 'r' };
  await using stack = new ReleaseStack();
  setting.progress.say('starting an engine without rules and one with');
  const bare = stack.use(await homeostat(setting, await makeStand(setting, WHERE), fleet));
  const ruled = stack.use(await homeostat(setting, await makeStand(setting, WHERE), fleet));
  const perSecond = await define(setting, engineOf(ruled), fleet);
  const load = { type: 'marked', spacing: SPACING } as const;
  const [none, ...others] = await contest(setting, `${homes * RULES} rules`, load, [
    reporting(bare, 'no rules at all', homes, 0),
    ...SORTS.map(({ name, sensor }) => reporting(ruled, name, homes, sensor)),
  ]);
  await assertLive(engineOf(ruled), fleet);
  const throughput = (result: Measured) => result.perSecond;
  if (!none) return [];
  return [
    { what: 'rules made live over HTTP, each checked in its home', unit: '/s', value: perSecond },
    { what: `telemetry: ${none.name}`, unit: '/s', ...middle(none, throughput) },
    ...others.flatMap((sort): Figure[] => [
      { what: `telemetry: ${sort.name}`, unit: '/s', ...middle(sort, throughput) },
      {
        what: `cost of an event (throughput without rules ÷ with): ${sort.name}`,
        unit: '×',
        ...ratio(none, sort, throughput),
        // Nine on one twin are told of: what matters is that the 9,999 others do not count
        ...(sort.name !== 'nine rules listen' && { target: { atMost: 1.5 } }),
      },
    ]),
  ];
}

/** The same engine, of whose fleet one sensor of each home reports. */
function reporting(
  contestant: Contestant,
  name: string,
  homes: number,
  sensor: number,
): Contestant {
  const part = { first: homes * sensor, count: homes };
  return {
    ...contestant,
    name,
    run: (load, seconds, warmUpSeconds) =>
      contestant.run(load.type === 'marked' ? { ...load, part } : load, seconds, warmUpSeconds),
    // Its owner ends it: several of these are one
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Makes the rules live, home by home. @returns how many a second */
async function define(
  { progress }: Setting,
  engine: HomeostatProcess,
  fleet: FleetShape,
): Promise<number> {
  // The last to be introduced is there last, in each home
  for (let home = 0; home < fleet.homes; home++) {
    const last = twinOf(fleet.homes * (SENSORS - 1) + home);
    await engine.until(`/v1/homes/${homeOf(fleet, home)}/twins/${last}`, () => true);
  }
  const began = performance.now();
  let done = 0;
  await atOnce(MAX_QUICK_OF_ONE, fleet.homes, async (home) => {
    for (let rule = 0; rule < RULES; rule++) {
      const watched = twinOf(fleet.homes * (rule === 0 ? 0 : 1) + home);
      const path = `/v1/homes/${homeOf(fleet, home)}/rules/heat-${rule}`;
      await engine.request('PUT', path, { definition: heat(rule, watched) });
      if (++done % 1_000 === 0) progress.say(`${done} of ${fleet.homes * RULES} rules are live`);
    }
  });
  return (done * 1_000) / (performance.now() - began);
}

function heat(rule: number, twin: string) {
  return {
    rule: `heat-${rule}`,
    triggers: [{ twin, path: 'reported.temperature', above: LIMIT }],
    actions: [{ notify: { title: 'Heat', message: 'It is too hot.' } }],
  };
}

/**
 * Looks at a home whether its rules slept while it was measured, and were awake to be set off.
 * @throws Error otherwise: then what was measured is something else
 */
async function assertLive(engine: HomeostatProcess, fleet: FleetShape): Promise<void> {
  const home = `/v1/homes/${homeOf(fleet, 0)}`;
  const before = await runsOf(engine, home);
  for (const [name, sensor, wanted] of [
    ['before', null, 0],
    ['one rule listens', 0, 1],
    ['nine rules listen', 1, RULES],
    ['no rule listens', 2, RULES],
  ] as const) {
    if (sensor !== null) {
      const path = `${home}/twins/${twinOf(fleet.homes * sensor)}/events`;
      await engine.request('POST', path, { type: 'telemetry', temperature: LIMIT + 1 });
    }
    const runs = sensor === null ? before : await runsOf(engine, home);
    if (runs !== wanted) throw new Error(`${name}: there have been ${runs} runs, not ${wanted}`);
  }
}

async function runsOf(engine: HomeostatProcess, home: string): Promise<number> {
  const { items } = await engine.get<{ items: { runs: number }[] }>(`${home}/rules`);
  return items.reduce((sum, { runs }) => sum + runs, 0);
}

function engineOf({ engine }: Contestant): HomeostatProcess {
  if (!engine) throw new Error('the echo client has no rules');
  return engine;
}
