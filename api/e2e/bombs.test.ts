/** What a hostile tenant sends to bring the server down, at the whole program: put, tried, called, killed. */
import mqtt from 'mqtt';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { beforeNextLook, HomeostatProcess } from './homeostat-process.ts';
import { type Person, register } from './stranger.ts';

const STORES = [
  { name: 'SQLite', open: async () => ({ env: {}, [Symbol.asyncDispose]: async () => {} }) },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await createTestDatabase();
      return {
        env: { DATABASE_URL: database.url },
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      };
    },
  },
];

const aliases = `rule: bomb
triggers: [{every: 2s}]
actions:
 - let: {x: "\${[0,1,2,3,4,5,6,7,8,9]}"}
 - repeat: {times: 8, do: [{let: {x: "\${vars.x.map(a, vars.x)}"}}]}
`;
const doubling = aliases
  .replace('vars.x.map(a, vars.x)', 'vars.x + vars.x')
  .replace('times: 8', 'times: 40');
const square = `rule: square
triggers: [{webhook: ring}]
conditions: ["trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))"]
actions: [{stop: true}]
`;
const numbers = Array.from({ length: 4_000 }, (_, at) => at);

interface Rule {
  enabled: boolean;
  lastError: string | null;
}

/** A person with a home of their own; the server lives for as long as this asks it. */
async function tenant(homeostat: HomeostatProcess, home: string): Promise<Person> {
  const person = await register(homeostat, `${home}@example.org`);
  expect(await person.ask('POST', '/v1/homes', { id: home })).toMatchObject({ status: 201 });
  return person;
}

async function untilRule(person: Person, path: string, is: (rule: Rule) => boolean): Promise<Rule> {
  for (;;) {
    const { body } = await person.ask('GET', path);
    if (is(body as unknown as Rule)) return body as unknown as Rule;
    await beforeNextLook();
  }
}

const isAlive = async (homeostat: HomeostatProcess) => {
  expect(await homeostat.get('/healthz')).toMatchObject({ status: 'ok' });
};

describe.each(STORES)('a stranger who registers, on $name', ({ open }) => {
  test('puts bombs: each fails with a reason, is disabled, and does not come back after kill -9', async () => {
    await using store = await open();
    await using homeostat = await HomeostatProcess.start(store.env);
    const stranger = await tenant(homeostat, 'a');
    const put = (id: string, source: string) =>
      stranger.ask('PUT', `/v1/homes/a/rules/${id}`, { source: source.replace('bomb', id) });
    expect(await put('bomb', aliases)).toMatchObject({ status: 201 });
    expect(await put('other', doubling)).toMatchObject({ status: 201 });
    for (const id of ['bomb', 'other']) {
      const failed = await untilRule(
        stranger,
        `/v1/homes/a/rules/${id}`,
        (rule) => rule.lastError !== null,
      );
      expect(failed.lastError).toMatch(/^actions\[1\]\.repeat\.do\[0\]\.let: .*KiB/);
    }
    await isAlive(homeostat);
    await homeostat.kill();
    await homeostat.start();
    await isAlive(homeostat);
    for (const id of ['bomb', 'other']) {
      await untilRule(stranger, `/v1/homes/a/rules/${id}`, (rule) => !rule.enabled);
    }
    const alerts = await stranger.ask('GET', '/v1/homes/a/alerts');
    expect(alerts.body.items).toMatchObject([
      { key: 'rule-budget', status: 'raised' },
      { key: 'rule-budget', status: 'raised' },
    ]);
    await isAlive(homeostat);
  });

  test('tries bombs on what has happened: the attempt ends, and the server does not notice', async () => {
    await using store = await open();
    await using homeostat = await HomeostatProcess.start(store.env);
    const stranger = await tenant(homeostat, 'a');
    const tried = async (source: string, span: { from?: string } = {}) =>
      stranger.ask('POST', '/v1/homes/a/rules/backtest', { rule: { source }, ...span });
    expect(await tried(aliases)).toMatchObject({
      status: 200,
      body: { draft: { runs: 3, failed: 3 } },
    });
    expect(await tried(doubling)).toMatchObject({ status: 200, body: { draft: { failed: 3 } } });
    // As often as a person may at once, and once more
    const clock = aliases.replace('every: 2s', 'every: 1s').replace('times: 8', 'times: 1');
    const from = new Date(Date.now() - 4 * 3_600_000).toISOString();
    const answers = await Promise.all([1, 2, 3, 4].map(() => tried(clock, { from })));
    expect(answers.map(({ status }) => status).sort()).toContain(429);
    await isAlive(homeostat);
  });

  test('calls a webhook, and sends messages, that make a condition expensive', async () => {
    await using store = await open();
    await using homeostat = await HomeostatProcess.start({ ...store.env, MQTT_ANONYMOUS: 'on' });
    const stranger = await tenant(homeostat, 'a');
    const rule = '/v1/homes/a/rules/square';
    expect(await stranger.ask('PUT', rule, { source: square })).toMatchObject({ status: 201 });
    const { body: hook } = await stranger.ask('POST', `${rule}/hooks/ring/secret`);
    const call = (body: unknown) =>
      fetch(`${hook.url}?secret=${hook.secret}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await call({ l: numbers })).status).toBe(202);
    const failed = await untilRule(stranger, rule, (one) => one.lastError !== null);
    expect(failed.lastError).toMatch(/^conditions\[0\]: ".*" takes more than 50,000 steps/);

    await stranger.ask('POST', '/v1/homes/a/twins', { id: 'home', kind: 'home' });
    const hears = square
      .replace('square', 'heard')
      .replace(
        '{webhook: ring}',
        '{mqtt: sums, where: "trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))"}',
      )
      .replace(/conditions:.*\n/, '');
    const put = await stranger.ask('PUT', '/v1/homes/a/rules/heard', { source: hears });
    expect(put).toMatchObject({ status: 201 });
    const client = await mqtt.connectAsync(homeostat.mqttUrl, { protocolVersion: 4 });
    for (let at = 0; at < 3; at++) {
      await client.publishAsync('homeostat/a/messages/sums', JSON.stringify({ l: numbers }), {
        qos: 1,
      });
    }
    await untilRule(stranger, '/v1/homes/a/rules/heard', (one) => !one.enabled);
    await client.endAsync();
    await isAlive(homeostat);
  });

  test.each(['rules', 'blueprints', 'kits'])(
    'gives texts of %s that blow up when they are read: each is refused, and the next one is not',
    async (what) => {
      await using store = await open();
      await using homeostat = await HomeostatProcess.start(store.env);
      const stranger = await tenant(homeostat, 'a');
      const bombs = Object.entries({
        'a list that holds itself': 'rule: x\ntriggers: &t [*t]\nactions: [{stop: true}]\n',
        'a map that holds itself': 'rule: &r { a: *r }\n',
        'aliases of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\nrule: [*d,*d,*d,*d]\n`,
        'lists in lists': `rule: x\ntriggers: ${'['.repeat(40_000)}`,
        'lists in lists, one a dash': `rule: x\ntriggers:\n  ${'- '.repeat(20_000)}a\n`,
        'maps in maps': `rule: ${'{a: '.repeat(10_000)}1${'}'.repeat(10_000)}`,
        'a key for each byte': `rule: {${Array.from({ length: 8_000 }, (_, at) => `k${at}: 1`).join(',')}}`,
      });
      for (const [bomb, source] of bombs) {
        const { status } = await stranger.ask('PUT', `/v1/homes/a/${what}/x`, { source });
        expect({ bomb, status }).toEqual({ bomb, status: 422 });
      }
      const { status } = await stranger.ask('PUT', '/v1/homes/a/rules/bomb', { source: aliases });
      expect(status).toBe(201);
      await isAlive(homeostat);
    },
  );
});

describe.each(STORES)('rules on $name', ({ open }) => {
  const clock = `rule: clock
triggers: [{every: 1s}]
actions: [{let: {x: 1}}]
`;

  test('are held back after three crashes, with a warning, an alert and a line in the log, until a clean stop', async () => {
    await using store = await open();
    await using homeostat = await HomeostatProcess.start(store.env);
    await homeostat.request('POST', '/v1/homes', { id: 'flat' });
    await homeostat.request('PUT', '/v1/homes/flat/rules/clock', { source: clock });
    for (let crash = 0; crash < 3; crash++) {
      await homeostat.kill();
      await homeostat.start();
    }
    expect(homeostat.output).toContain('the rules of all homes are held back');
    expect(await homeostat.get('/readyz')).toEqual({
      ready: true,
      warnings: [expect.stringContaining('rules are held back: its last 3 starts')],
    });
    interface Alerts {
      items: { key: string; status: string }[];
    }
    const isHeld = ({ items }: Alerts) =>
      items.some(({ key, status }) => key === 'rules-held-back' && status === 'raised');
    await homeostat.until<Alerts>('/v1/homes/flat/alerts', isHeld);
    await expect(homeostat.request('POST', '/v1/homes/flat/rules/clock/run', {})).rejects.toThrow(
      ': 503 ',
    );
    const before = await homeostat.get<{ runs: number }>('/v1/homes/flat/rules/clock');
    expect(await homeostat.stop()).toBe(0);
    await homeostat.start();
    expect(await homeostat.get('/readyz')).toEqual({ ready: true });
    await homeostat.until<{ runs: number }>(
      '/v1/homes/flat/rules/clock',
      ({ runs }) => runs > before.runs,
    );
    await homeostat.until<Alerts>('/v1/homes/flat/alerts', (alerts) => !isHeld(alerts));
  });
});
