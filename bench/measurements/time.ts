import { setTimeout } from 'node:timers/promises';
import type { HomeostatProcess } from '../../api/e2e/homeostat-process.ts';
import { gauge } from '../gauge.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import { populate } from '../population.ts';
import { query } from '../sql.ts';
import { makeStand, nameOf, type Where } from '../stand.ts';

const OVERDUE = 100_000;
const STEADY = 10_000;
/** Over how long those of the steady state are spread. */
const STEADY_MS = 20_000;
const LEAD_MS = 10_000;
const HOMES = 100;
/** Each look costs the engine a scrape. */
const LOOK_MS = 250;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'embedded broker' },
  { store: 'SQLite', broker: 'embedded broker' },
];

/** Deadlines: all of them at once after a night without power, and one after another. */
export const time: Measurement = {
  name: 'time',
  title:
    'Time: silence timers of sensors, each of which takes its twin offline and raises an alert when it fires',
  async run(setting) {
    const figures: Figure[] = [];
    for (const where of ENGINES) {
      figures.push(...(await overdue(setting, where)), ...(await steady(setting, where)));
    }
    return figures;
  },
};

async function overdue(setting: Setting, where: Where): Promise<Figure[]> {
  const twins = setting.quick ? 5_000 : OVERDUE;
  const name = nameOf(where);
  await using stand = await makeStand(setting, where);
  const { engine, databaseUrl } = stand;
  setting.progress.say(`${name}: ${twins} twins with overdue timers are put in`);
  const due = { from: Date.now() - 3_600_000, every: 0.02 };
  await populate(engine, databaseUrl, {
    ...{ twins, homes: HOMES, prefix: 'o', due },
    settings: { silenceMs: 180_000 },
  });
  setting.progress.say(`${name}: the engine starts`);
  const began = performance.now();
  await engine.start();
  const started = (performance.now() - began) / 1_000;
  await haveFired(engine, twins);
  const seconds = (performance.now() - began) / 1_000;
  await engine.stop();
  const [counted] = await query<{ fired: number; twins: number }>(
    databaseUrl,
    `SELECT count(*) AS fired, count(DISTINCT home || '/' || twin) AS twins FROM journal
     WHERE home LIKE 'o%' AND source = 'timer'`,
  );
  if (Number(counted?.fired) !== twins || Number(counted?.twins) !== twins) {
    throw new Error(`${counted?.fired} timers fired of ${counted?.twins} twins; ${twins} were due`);
  }
  return [
    {
      what: `${twins} overdue timers, from the start of the process until all have fired, none twice: ${name}`,
      unit: 's',
      value: seconds,
      target: { atMost: 8 },
    },
    { what: `of these, until the API answers: ${name}`, unit: 's', value: started },
  ];
}

async function steady(setting: Setting, where: Where): Promise<Figure[]> {
  const twins = setting.quick ? 1_000 : STEADY;
  const name = nameOf(where);
  await using stand = await makeStand(setting, where);
  const { engine, databaseUrl } = stand;
  setting.progress.say(`${name}: ${twins} twins with timers are put in`);
  const due = { from: Date.now() + LEAD_MS, every: STEADY_MS / twins };
  await populate(engine, databaseUrl, {
    ...{ twins, homes: HOMES, prefix: 'o', due },
    settings: { silenceMs: 180_000 },
  });
  await engine.start();
  if (Date.now() > due.from) throw new Error('the timers were due before the engine ran');
  setting.progress.say(`${name}: their time comes`);
  await haveFired(engine, twins);
  await engine.stop();
  const rows = await query<{ received: number; event: string }>(
    databaseUrl,
    `SELECT received_at AS received, CAST(event AS text) AS event FROM journal
     WHERE home LIKE 'o%' AND source = 'timer'`,
  );
  const late = rows
    .map(({ received, event }) => Number(received) - (JSON.parse(event) as { due: number }).due)
    .toSorted((a, b) => a - b);
  if ((late[0] ?? 0) < 0) throw new Error(`a timer fired ${late[0]} ms early`);
  return [
    {
      what: `lateness of ${twins} timers, ${twins / (STEADY_MS / 1_000)} a second, p99: ${name}`,
      unit: 'ms',
      value: late[Math.floor(late.length * 0.99)] ?? 0,
    },
  ];
}

/** Looks at the metrics until so many have fired. */
async function haveFired(engine: HomeostatProcess, count: number): Promise<void> {
  while ((await gauge(engine, 'homeostat_timer_lateness_seconds_count')) < count) {
    await setTimeout(LOOK_MS);
  }
}
