import { type Json, SoloTwin } from '../../../engine/index.ts';
import { readRule, rule } from '../../../features/rules/index.ts';
import type { Figure, Setting } from '../../measurement.ts';
import { makeStand } from '../../stand.ts';

const numbers = Array.from({ length: 4_000 }, (_, at) => at);
const members = Object.fromEntries(numbers.slice(0, 2_000).map((at) => [`k${at}`, { a: [at] }]));
const texts = numbers.slice(0, 1_000).map((at) => `text ${at}`);
/** As large as a webhook's body may be. */
export const BODY = { l: numbers, m: members, s: texts, t: 'a'.repeat(5_000) };

const GROWS = (grown: string, times: number) =>
  `- let: {x: "\${[0,1,2,3,4,5,6,7,8,9]}"}\n - repeat: {times: ${times}, do: [{let: {x: "\${${grown}}"}}]}`;

/** What each tries: by its condition, or by its actions. */
export const BOMBS: Record<string, { condition?: string; actions?: string }> = {
  aliases: { actions: GROWS('vars.x.map(a, vars.x)', 8) },
  doubling: { actions: GROWS('vars.x + vars.x', 40) },
  square: { condition: 'trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))' },
  texts: { condition: 'trigger.body.s.exists(a, trigger.body.s.exists(b, a + b == "x"))' },
  failures: { condition: 'trigger.body.l.exists(a, a.b == 1)' },
  moments: { condition: 'trigger.body.l.all(a, timestamp("2026-01-01T00:00:00Z") < now)' },
  durations: { condition: 'trigger.body.l.all(a, duration("1h2m3s") < duration("2h"))' },
  timezones: { condition: 'trigger.body.l.all(a, now.getHours("Europe/Berlin") < 24)' },
  maps: { condition: 'trigger.body.l.map(a, trigger.body.m).size() > 0' },
  members: { condition: 'trigger.body.l.all(a, trigger.body.m == {"a": a} || true)' },
  searches: { condition: 'trigger.body.l.all(a, a in trigger.body.s || true)' },
  texted: { condition: 'trigger.body.l.map(a, trigger.body.t + string(a)).size() > 0' },
  effects: {
    actions: `- repeat: {times: 1000, do: [{alert: {key: a, message: "\${trigger.body.t}"}}]}`,
  },
  tells: {
    actions: '- repeat: {times: 1000, do: [{set: {twin: [a, b, c, d], desired: {on: true}}}]}',
  },
  notes: {
    actions: `- repeat: {times: 1000, do: [{notify: {title: t, message: "\${trigger.body.l}"}}]}`,
  },
  loops: { actions: '- repeat: {times: 1000, do: [{if: "1 > 2", then: [], else: []}]}' },
  forks: { actions: '- repeat: {times: 100, do: [{parallel: [[], [], [], [], [], [], [], []]}]}' },
};

export const definitionOf = (
  id: string,
  { condition, actions = '- stop: true' }: { condition?: string; actions?: string },
) =>
  `rule: ${id}\ntriggers: [{webhook: ring}]\n${condition === undefined ? '' : `conditions: ['${condition}']\n`}actions:\n ${actions}\n`;

/** What a hostile tenant's rules cost: a turn of each, and what the server answers meanwhile. */
export async function bombs(setting: Setting): Promise<Figure[]> {
  return [...turns(setting), ...(await answers(setting))];
}

/** The longest turn, which has the thread to itself: once in a process that has never seen such a rule, and once warm. */
function turns({ quick, progress }: Setting): Figure[] {
  const rounds = quick ? 3 : 30;
  const first: number[] = [];
  const warm: number[] = [];
  for (const [name, bomb] of Object.entries(BOMBS)) {
    progress.say(`a turn of "${name}"`);
    const { value, problems } = readRule(definitionOf(name, bomb));
    if (value === null) throw new Error(`${name}: ${problems[0]?.message}`);
    const taken = Array.from({ length: rounds }, () => turnOf(value as unknown as Json));
    first.push(taken[0] ?? 0);
    warm.push(Math.max(...taken.slice(Math.ceil(rounds / 2))));
  }
  const what = `longest turn of ${Object.keys(BOMBS).length} rules that try to take long`;
  return [
    {
      what: `${what}, each for the first time`,
      unit: 'ms',
      value: Math.max(...first),
      target: { atMost: 50 },
    },
    { what: `${what}, after some`, unit: 'ms', value: Math.max(...warm), target: { atMost: 50 } },
  ];
}

function turnOf(definition: Json): number {
  const made = { home: 'h', twin: 'r', timezone: 'UTC', now: 0, room: null };
  const solo = new SoloTwin(rule, made);
  solo.send({ type: 'rule.defined', definition, source: null }, { source: 'engine' });
  const from = performance.now();
  solo.send({ type: 'webhook.called', hook: 'ring', body: BODY }, { source: 'engine' });
  return performance.now() - from;
}

/** How long `/healthz` takes while all of them are put, called and tried, again and again. */
async function answers(setting: Setting): Promise<Figure[]> {
  setting.progress.say('starting an engine for bombs');
  await using stand = await makeStand(setting, { store: 'SQLite', broker: 'embedded broker' });
  const { engine } = stand;
  await engine.start();
  await engine.request('POST', '/v1/homes', { id: 'a' });
  for (const id of ['a', 'b', 'c', 'd']) {
    await engine.request('POST', '/v1/homes/a/twins', { id, kind: 'relay' });
  }
  const hooks = new Map<string, { url: string; secret: string }>();
  for (const [name, bomb] of Object.entries(BOMBS)) {
    const path = `/v1/homes/a/rules/${name}`;
    await engine.request('PUT', path, { source: definitionOf(name, bomb) });
    hooks.set(name, await engine.request('POST', `${path}/hooks/ring/secret`));
  }
  const until = performance.now() + (setting.quick ? 5_000 : 60_000);
  const isOver = () => performance.now() > until;
  const took: number[] = [];
  const watch = async () => {
    while (!isOver()) {
      const from = performance.now();
      await engine.get('/healthz');
      took.push(performance.now() - from);
    }
  };
  const attack = async (name: string, hook: { url: string; secret: string }) => {
    while (!isOver()) {
      await fetch(`${hook.url}?secret=${hook.secret}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(BODY),
      });
      await engine.request('PATCH', `/v1/homes/a/twins/${name}/desired`, { enabled: true });
    }
  };
  const trying = async () => {
    const source = definitionOf('tried', BOMBS.square ?? {}).replace(
      '{webhook: ring}',
      '{every: 1s}',
    );
    const large = `rule: large\ntriggers: [{every: 1h}]\nactions: [${'{stop: true},'.repeat(190)}]\n`;
    while (!isOver()) {
      // Whether it is refused says nothing here
      await engine
        .request('POST', '/v1/homes/a/rules/backtest', { rule: { source } })
        .catch(String);
      await engine.request('POST', '/v1/homes/a/rules/check', { source: large }).catch(String);
    }
  };
  setting.progress.say('calling and trying bombs');
  await Promise.all([watch(), trying(), ...[...hooks].map(([name, hook]) => attack(name, hook))]);
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
  const what =
    'GET /healthz while such rules are called by webhooks of the largest body, enabled again, and tried';
  return [
    { what: `p99 of ${what}`, unit: 'ms', value: at(0.99) },
    { what: `slowest ${what}`, unit: 'ms', value: at(1), target: { atMost: 200 } },
  ];
}
