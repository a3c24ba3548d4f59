import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import { Reader } from '../child.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import { asJson, query, series, settle } from '../sql.ts';
import { makeStand, nameOf, type Stand, type Where } from '../stand.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
/** A report each 5 s, the length of a day. */
const SAMPLES = 17_280;
const HOME = '/v1/homes/house';
const TWIN = `${HOME}/twins/meter`;
/** Turns of a relay in a day, and how many of them it takes until it switches. */
const TURNS = 100_000;
const SWITCHES_EVERY = 50;
/** Series of one question. */
const SERIES = 10;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'embedded broker' },
  { store: 'SQLite', broker: 'embedded broker' },
];

/** What a screen shows of the past. */
export const history: Measurement = {
  name: 'history',
  title:
    'History: one measurement with a year of 5-minute data and a day of raw samples (one each 5 s), and a relay that switched 2,000 times in the 100,000 turns of a day, read over HTTP',
  async run(setting) {
    const figures: Figure[] = [];
    for (const where of ENGINES) figures.push(...(await ofStore(setting, where)));
    return figures;
  },
};

interface Question {
  what: string;
  url: string;
  body?: object;
  target?: Figure['target'];
}

async function ofStore(setting: Setting, where: Where): Promise<Figure[]> {
  await using stand = await makeStand(setting, where);
  await using reader = Reader.start();
  const name = nameOf(where);
  setting.progress.say(`${name}: a year of history is put in`);
  const now = await past(stand);
  const { engine } = stand;
  await engine.start();
  const from = (span: number) => new Date(now - span).toISOString();
  const url = (span: number, resolution: string) =>
    `${engine.url}${TWIN}/history?measurement=temperature&from=${from(span)}&resolution=${resolution}`;
  const figures: Figure[] = [];
  const many = {
    from: from(YEAR_MS),
    maxPoints: 500,
    series: Array(SERIES).fill({ twin: 'meter', measurement: 'temperature' }),
  };
  const soon = { atMost: 30 };
  const questions: Question[] = [
    { what: 'a year, by the day', url: url(YEAR_MS, '1d'), target: soon },
    { what: 'a year, by the hour', url: url(YEAR_MS, 'auto'), target: { atMost: 50 } },
    { what: 'a month, by the hour', url: url(30 * DAY_MS, '1h'), target: soon },
    { what: 'a month, by 5 minutes', url: url(30 * DAY_MS, '5m') },
    { what: 'a day, raw', url: url(DAY_MS, 'raw'), target: soon },
    {
      what: 'when the relay was on, 2,000 bands',
      url: `${engine.url}${HOME}/twins/pump/bands?path=reported.on&from=${from(DAY_MS)}`,
      target: soon,
    },
    {
      what: 'the newest 50 turns of the home',
      url: `${engine.url}${HOME}/journal`,
      target: soon,
    },
    {
      what: `${SERIES} series of a year, 500 points of each`,
      url: `${engine.url}${HOME}/history/query`,
      body: many,
    },
  ];
  for (const { what, url: asked, body, target } of questions) {
    const order = { urls: [asked], token: TOKEN, connections: 1, ...(body && { body }) };
    await reader.read({ ...order, seconds: 1 });
    const { latency, bytes } = await reader.read({ ...order, seconds: setting.quick ? 2 : 10 });
    const size = `${Math.round(bytes / 1_024)} KB`;
    figures.push({
      what: `${what} (${size}), p99: ${name}`,
      unit: 'ms',
      value: latency.p99,
      ...(target && { target }),
    });
    setting.progress.say(`${name}: ${what}: p50 ${latency.p50.toFixed(1)} ms`);
  }
  return figures;
}

/** Makes a sensor whose past goes back a year. @returns its present */
async function past({ engine, databaseUrl }: Stand): Promise<number> {
  await engine.start();
  await engine.request('POST', '/v1/homes', { id: 'house', timezone: 'Europe/Berlin' });
  await engine.request('POST', '/v1/homes/house/twins', { id: 'meter', kind: 'sensor' });
  await engine.request('POST', `${TWIN}/events`, { type: 'telemetry', temperature: 20 });
  await engine.request('POST', `${HOME}/twins`, { id: 'pump', kind: 'relay' });
  await engine.request('POST', `${HOME}/twins/pump/events`, { type: 'telemetry', on: false });
  await engine.stop();
  const now = Date.now();
  const columns = 'home, twin, measurement, resolution, start, count, sum, min, max, last, last_at';
  for (const [resolution, length] of [
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', DAY_MS],
  ] as const) {
    const newest = Math.floor(now / length) * length - length;
    const start = `${newest} - n * ${length}.0`;
    await query(
      databaseUrl,
      `${series(Math.floor(YEAR_MS / length))} INSERT INTO rollup (${columns})
       SELECT 'house', 'meter', 'temperature', '${resolution}', ${start}, 5, 101.5 + n % 7,
              19.3, 21.6, 20.1, ${start} + 1000 FROM series`,
    );
  }
  const at = `${now} - n * ${DAY_MS / SAMPLES}.0`;
  const told = 'event_id, source, cause, correlation, principal, dedupe, late, state, effects';
  const event = asJson(
    databaseUrl,
    `'{"type":"telemetry","temperature":' || (20 + (n % 40) / 10.0) || '}'`,
  );
  await query(
    databaseUrl,
    `${series(SAMPLES)} INSERT INTO journal (home, twin, revision, at, received_at, event, ${told})
     SELECT home, twin, 10 + ${SAMPLES} - n, ${at}, ${at}, ${event}, ${told}
     FROM journal, series WHERE home = 'house' AND twin = 'meter' AND revision = 1`,
  );
  const isOn = `CASE WHEN n / ${SWITCHES_EVERY} % 2 = 0 THEN '{"on":true}' ELSE '{"on":false}' END`;
  const kept = told.replace(', state, effects', ', effects');
  await query(
    databaseUrl,
    `${series(TURNS)} INSERT INTO journal (home, twin, revision, at, received_at, event, reported, ${kept})
     SELECT home, twin, 10 + n, ${now - DAY_MS} + n * ${DAY_MS / TURNS}, ${now - DAY_MS} + n * ${DAY_MS / TURNS},
       ${asJson(databaseUrl, `'{"type":"telemetry","power":' || (n % 7) || '}'`)},
       CASE WHEN n % ${SWITCHES_EVERY} = 0 THEN ${asJson(databaseUrl, isOn)} END, ${kept}
     FROM journal, series WHERE home = 'house' AND twin = 'pump' AND revision = 1`,
  );
  // Of now, and therefore in the way of what is put before them
  await query(databaseUrl, `DELETE FROM journal WHERE twin = 'pump' AND revision < 10`);
  await settle(databaseUrl);
  return now;
}
