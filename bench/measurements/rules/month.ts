import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openSqlite } from '../../../engine/storage/sqlite/open.ts';
import { type EngineBench, startEngine } from '../../../engine/testing/engine-bench.ts';
import {
  type Backtest,
  backtest,
  type Definition,
  readRule,
  rule,
} from '../../../features/rules/index.ts';
import { kinds } from '../../../twins/catalogue.ts';
import type { Figure, Setting } from '../../measurement.ts';
import { Random } from '../../torture/random.ts';

const HOME = 'h1';
const TIMEZONE = 'Europe/Berlin';
const DAY_MS = 86_400_000;
const EVERY_MS = 5 * 60_000;
const SENSORS = 9;
/** Longer than between two reports, or each twin would be offline in between. */
const SILENCE_MS = 15 * 60_000;

/** What an author would try: it looks at two of the ten devices, or at all. */
const DRAFTS = [
  { what: 'a rule on one of the sensors', selector: { twin: 'climate0' } },
  { what: 'a rule on all nine sensors', selector: { kind: 'sensor' } },
] as const;

/** A draft and the version that is live, on a month of ten devices. */
export async function month(setting: Setting): Promise<Figure[]> {
  const days = setting.quick ? 2 : 30;
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-month-'));
  try {
    await using storage = await openSqlite(join(folder, 'homeostat.db'), {
      deadLettersPerHome: 100,
    });
    await using home = await startEngine({ kinds: [...kinds, rule], storage });
    const span = await live(setting, home, days);
    const figures: Figure[] = [];
    for (const { what, selector } of DRAFTS) {
      const drafted = { draft: cooling(selector, 23), live: cooling(selector, 23.5) };
      const given = { home: HOME, timezone: TIMEZONE, span, ...drafted };
      const tries: { seconds: number; found: Backtest }[] = [];
      for (let n = 0; n < 2; n++) {
        const began = performance.now();
        const found = await backtest(home.engine, given);
        tries.push({ seconds: (performance.now() - began) / 1_000, found });
      }
      figures.push(figureOf(setting, `${what}, ${days} days of 10 devices`, tries));
    }
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error where the same question has two answers, or nothing happened that could be told apart */
function figureOf(
  { progress }: Setting,
  what: string,
  tries: readonly { seconds: number; found: Backtest }[],
): Figure {
  const [first, second] = tries;
  if (!first || !isDeepStrictEqual(first.found, second?.found)) {
    throw new Error(`backtest, ${what}: the second answer is another`);
  }
  const { turns, draft, live: before, more, fewer } = first.found;
  if (draft.runs === 0 || !before?.runs || draft.failed > 0) {
    throw new Error(`backtest, ${what}: ${draft.runs} runs, ${draft.failed} failed`);
  }
  const seconds = tries.map((one) => one.seconds);
  progress.say(
    `backtest, ${what}: ${turns} turns, ${draft.runs} runs of the draft, ${before.runs} of the live version, ` +
      `${more.length} deeds more, ${fewer.length} fewer, ${seconds.map((s) => s.toFixed(1)).join(' and ')} s`,
  );
  return {
    what: `backtest of a draft and the live version: ${what}, ${turns} turns read (the slower of two)`,
    unit: 's',
    value: Math.max(...seconds),
    target: { atMost: 10 },
  };
}

/** Cools while it has been hot for a while, if the plug says that something draws power. */
function cooling(selector: { twin: string } | { kind: string }, above: number): Definition {
  const { value, problems } = readRule(
    JSON.stringify({
      rule: 'cooling',
      mode: 'parallel',
      key: 'trigger.twin',
      triggers: [{ ...selector, path: 'reported.temperature', above, hysteresis: 0.5, for: '10m' }],
      conditions: ['twins.plug.reported.power > 50'],
      actions: [
        { set: { twin: 'plug', desired: { on: true } } },
        { delay: '15m' },
        { set: { twin: 'plug', desired: { on: false } } },
      ],
    }),
  );
  if (!value) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}

/** Lets ten devices report all these days. @returns the days */
async function live({ progress }: Setting, home: EngineBench, days: number) {
  const { engine, clock } = home;
  const random = new Random(1);
  await engine.createHome({ id: HOME, name: HOME, timezone: TIMEZONE });
  const devices = Array.from({ length: SENSORS + 1 }, (_, n) =>
    n < SENSORS ? { twin: `climate${n}`, kind: 'sensor' } : { twin: 'plug', kind: 'relay' },
  );
  for (const { twin, kind } of devices) {
    await engine.createTwin(
      { home: HOME, twin, kind, settings: { silenceMs: SILENCE_MS } },
      { principal: 'admin', source: 'rest' },
    );
  }
  const from = clock.now();
  const to = from + days * DAY_MS;
  for (let day = 0; clock.now() < to; ) {
    const phase = ((clock.now() - from) / DAY_MS) * 2 * Math.PI;
    const sent = devices.map(({ twin, kind }, n) =>
      home.send(twin, kind === 'relay' ? plug(phase, random) : climate(phase, n, random), { kind }),
    );
    for (const { status } of await Promise.all(sent)) {
      if (status !== 'accepted') throw new Error(`a report of the month was ${status}`);
    }
    clock.advance(EVERY_MS);
    await engine.idle();
    const passed = Math.floor((clock.now() - from) / DAY_MS);
    if (passed > day) {
      day = passed;
      if (day % 5 === 0) progress.say(`day ${day} of ${days} of a month has been lived`);
    }
  }
  return { from, to };
}

/** A day's curve, in each room a little later. */
function climate(phase: number, room: number, random: Random) {
  const noise = (random.next() - 0.5) * 2 * 0.2;
  const temperature = 20 + 4 * Math.sin(phase - room / 10) + noise;
  return { type: 'telemetry', temperature: Number(temperature.toFixed(2)), humidity: 45 };
}

function plug(phase: number, random: Random) {
  const isOn = Math.sin(phase) > 0.2;
  const power = isOn ? 120 + random.int(0, 20) : 0;
  return { type: 'telemetry', on: isOn, power };
}
