import { setTimeout as sleep } from 'node:timers/promises';
import { ReleaseStack } from '../../../api/release-stack.ts';
import { type Contestant, homeostat, type Measured } from '../../contestant.ts';
import type { FleetShape } from '../../load/fleet.ts';
import type { Figure, Setting } from '../../measurement.ts';
import { makeStand, type Where } from '../../stand.ts';
import { contest, middle, ratio, type Standing } from '../contest.ts';
import { BODY, definitionOf, BOMBS as RULES } from './bombs.ts';

const WHERE: Where = { store: 'PostgreSQL', broker: 'Mosquitto' };
const NEIGHBOUR: FleetShape = { devices: 1_000, homes: 1, kind: 'thermostat', prefix: 'c' };
/** A home of the same shard: see storm.ts. */
const HOME = '/v1/homes/a';
const PACED = 500;
const AGAIN_MS = 2_000;
/** So the 120 calls that a webhook takes a minute, as shipped, come within the 6 s of a round. */
const CALL_MS = 50;

/** What a hostile tenant does, until it is over. */
type Attack = (
  engine: NonNullable<Contestant['engine']>,
  isOver: () => boolean,
) => Promise<unknown>;

/** Rules that explode every 2 s, each enabled again as soon as it has been disabled. */
const exploding: Attack = async (engine, isOver) => {
  for (const name of ['aliases', 'doubling', 'loops']) {
    const source = definitionOf(name, RULES[name] ?? {}).replace('{webhook: ring}', '{every: 2s}');
    await engine.request('PUT', `${HOME}/rules/${name}`, { source });
  }
  while (!isOver()) {
    for (const name of ['aliases', 'doubling', 'loops']) {
      await engine.request('PATCH', `${HOME}/twins/${name}/desired`, { enabled: true });
    }
    await sleep(AGAIN_MS);
  }
  for (const name of ['aliases', 'doubling', 'loops']) {
    await engine.request('DELETE', `${HOME}/rules/${name}`);
  }
};

const backtests: Attack = async (engine, isOver) => {
  const source = definitionOf('tried', RULES.square ?? {}).replace(
    '{webhook: ring}',
    '{every: 1s}',
  );
  const one = async () => {
    while (!isOver()) {
      // Whether it is refused says nothing here
      await engine.request('POST', `${HOME}/rules/backtest`, { rule: { source } }).catch(String);
    }
  };
  await Promise.all([one(), one()]);
};

const webhook: Attack = async (engine, isOver) => {
  const path = `${HOME}/rules/square`;
  await engine.request('PUT', path, { source: definitionOf('square', RULES.square ?? {}) });
  const hook = await engine.request<{ url: string; secret: string }>(
    'POST',
    `${path}/hooks/ring/secret`,
  );
  while (!isOver()) {
    const next = sleep(CALL_MS);
    const answer = await fetch(`${hook.url}?secret=${hook.secret}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(BODY),
    });
    await answer.arrayBuffer();
    await engine.request('PATCH', `${HOME}/twins/square/desired`, { enabled: true }).catch(String);
    await next;
  }
  await engine.request('DELETE', path);
};

const ATTACKS: Record<string, Attack | null> = {
  alone: null,
  'beside rules that explode every 2 s': exploding,
  'beside backtests of such rules': backtests,
  'beside a webhook that is called 20 times a second with the largest body': webhook,
};

/** What another home, and whoever asks how the server is, notice of a hostile tenant. */
export async function besideBombs(setting: Setting): Promise<Figure[]> {
  await using stack = new ReleaseStack();
  setting.progress.say('starting an engine with two homes');
  const neighbour = stack.use(await homeostat(setting, await makeStand(setting, WHERE), NEIGHBOUR));
  const { engine } = neighbour;
  if (!engine) throw new Error('the echo client has no rules');
  await engine.request('POST', '/v1/homes', { id: 'a' });
  const slowest = new Map<string, number[]>();
  const beside = (name: string, attack: Attack | null): Contestant => ({
    ...neighbour,
    name,
    async run(load, seconds, warmUpSeconds) {
      let isOver = false;
      const took: number[] = [];
      const watch = async () => {
        while (!isOver) {
          const from = performance.now();
          await engine.get('/healthz');
          took.push(performance.now() - from);
        }
      };
      const going = Promise.all([watch(), attack?.(engine, () => isOver)]);
      const measured = await neighbour.run(load, seconds, warmUpSeconds);
      isOver = true;
      await going;
      slowest.set(name, [...(slowest.get(name) ?? []), Math.max(...took)]);
      return measured;
    },
    // The neighbour's owner ends it
    [Symbol.asyncDispose]: async () => {},
  });
  const load = { type: 'paced', perSecond: PACED } as const;
  const standings = await contest(
    setting,
    'bombs',
    load,
    Object.entries(ATTACKS).map(([name, attack]) => beside(name, attack)),
  );
  return [...latencies(standings), ...healths(slowest)];
}

function latencies(standings: readonly Standing[]): Figure[] {
  const [alone, ...others] = standings;
  const what = `p99 of ${PACED} round trips a second in another home`;
  const p99 = ({ latency }: Measured) => latency.p99;
  return [
    ...standings.map(
      (one): Figure => ({ what: `${what}: ${one.name}`, unit: 'ms', ...middle(one, p99) }),
    ),
    ...others.map(
      (one): Figure => ({
        what: `${what}: ${one.name} ÷ alone`,
        unit: '×',
        ...ratio(one, alone, p99),
        target: { atMost: 1.5 },
      }),
    ),
  ];
}

function healths(slowest: ReadonlyMap<string, readonly number[]>): Figure[] {
  return [...slowest].map(([name, rounds]) => ({
    what: `slowest GET /healthz ${name}`,
    unit: 'ms',
    value: Math.max(...rounds),
    rounds: [...rounds],
    target: { atMost: 200 },
  }));
}
