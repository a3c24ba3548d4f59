import type { Measured } from '../contestant.ts';
import type { FleetShape } from '../load/fleet.ts';
import type { Figure, Measurement, Setting } from '../measurement.ts';
import type { Where } from '../stand.ts';
import { contest, lineUp, middle, ratio, type Standing } from './contest.ts';

const FLEET: FleetShape = { devices: 2_000, homes: 100, kind: 'thermostat', prefix: 'r' };
const PACED = 2_000;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'Mosquitto' },
  { store: 'SQLite', broker: 'Mosquitto' },
  { store: 'PostgreSQL', broker: 'embedded broker' },
  { store: 'SQLite', broker: 'embedded broker' },
];

/** Throughput at saturation, and latency at 2,000 events a second. */
export const roundTrip: Measurement = {
  name: 'round-trip',
  title:
    'Command round trip: 2,000 thermostats in 100 homes, each report crosses the target, so each is answered by a command; QoS 1 both ways',
  async run(setting) {
    await using line = await lineUp(setting, FLEET, ENGINES);
    return [
      ...throughput(await contest(setting, 'saturation', { type: 'answered' }, line.contestants)),
      ...(await latency(setting, line.contestants)),
    ];
  },
};

/** What is asked of our engine with Mosquitto, held against the echo client of the same run. */
const TARGETS: Record<string, { throughput: number; cpu: number }> = {
  // Engine and database together, where the echo client takes 50 µs: 160 and 190
  'PostgreSQL, Mosquitto': { throughput: 0.6, cpu: 3.2 },
  'SQLite, Mosquitto': { throughput: 0.5, cpu: 3.8 },
};
const P50 = { atMost: 4 };
const P99 = { atMost: 10 };

function throughput([reference, ...engines]: Standing[]): Figure[] {
  const perSecond = (result: Measured) => result.perSecond;
  if (!reference) return [];
  return [
    { what: `throughput: ${reference.name}`, unit: '/s', ...middle(reference, perSecond) },
    { what: `processor time: ${reference.name}`, unit: 'µs', ...middle(reference, spent) },
    ...engines.flatMap((engine): Figure[] => {
      const { name } = engine;
      const target = TARGETS[name];
      return [
        { what: `throughput: ${name}`, unit: '/s', ...middle(engine, perSecond) },
        {
          what: `throughput: ${name} ÷ ${reference.name}`,
          unit: '×',
          ...ratio(engine, reference, perSecond),
          ...(target && { target: { atLeast: target.throughput } }),
        },
        {
          what: `processor time of the engine: ${name}`,
          unit: 'µs',
          ...middle(engine, ({ cpu }) => cpu.answering),
        },
        ...(name.startsWith('PostgreSQL')
          ? [
              {
                what: `processor time of the database: ${name}`,
                unit: 'µs',
                ...middle(engine, ({ cpu }) => cpu.database),
              },
            ]
          : []),
        {
          what: `processor time of engine and database: ${name} ÷ ${reference.name}`,
          unit: '×',
          ...ratio(engine, reference, spent),
          ...(target && { target: { atMost: target.cpu } }),
        },
      ];
    }),
  ];
}

/** The processor time of an event, of whoever answers it. */
function spent({ cpu }: Measured): number {
  return cpu.answering + cpu.database;
}

async function latency(
  setting: Setting,
  contestants: Parameters<typeof contest>[3],
): Promise<Figure[]> {
  const load = { type: 'paced', perSecond: PACED } as const;
  const [reference, ...engines] = await contest(setting, `${PACED}/s`, load, contestants);
  const p50 = ({ latency }: Measured) => latency.p50;
  const p99 = ({ latency }: Measured) => latency.p99;
  if (!reference) return [];
  const of = (standing: Standing): Figure[] => [
    { what: `p50 at ${PACED}/s: ${standing.name}`, unit: 'ms', ...middle(standing, p50) },
    { what: `p99 at ${PACED}/s: ${standing.name}`, unit: 'ms', ...middle(standing, p99) },
  ];
  return [
    ...of(reference),
    ...engines.flatMap((engine): Figure[] => {
      const isAimedAt = engine.name in TARGETS;
      return [
        ...of(engine),
        {
          what: `p50 at ${PACED}/s: ${engine.name} ÷ ${reference.name}`,
          unit: '×',
          ...ratio(engine, reference, p50),
          ...(isAimedAt && { target: P50 }),
        },
        {
          what: `p99 at ${PACED}/s: ${engine.name} ÷ ${reference.name}`,
          unit: '×',
          ...ratio(engine, reference, p99),
          ...(isAimedAt && { target: P99 }),
        },
      ];
    }),
  ];
}
