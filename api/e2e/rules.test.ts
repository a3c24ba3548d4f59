/** Rules that wait, in the whole program, which is killed in each wait. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { run } from './command-line.ts';
import { HomeostatProcess, TOKEN } from './homeostat-process.ts';

const RULE = `rule: airing
triggers:
  - { twin: window, path: reported.contact, to: false, for: 4s }
actions:
  - set: { twin: fan, desired: { on: true } }
  - delay: 6s
  - set: { twin: fan, desired: { on: false } }
`;

interface Timer {
  id: string;
  due: string;
}
interface Item {
  at: string;
  receivedAt: string;
  event: { type: string; timer?: string; late?: number };
}

const STORES = [
  { name: 'SQLite', open: async () => ({ env: {}, close: async () => {} }) },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await createTestDatabase();
      return { env: { DATABASE_URL: database.url }, close: () => database[Symbol.asyncDispose]() };
    },
  },
];

test('a rule hears what is published for its home, and nothing that was retained', async () => {
  await using homeostat = await HomeostatProcess.start({ MQTT_MESSAGES: 'flat=weather/#' });
  await homeostat.request('POST', '/v1/homes', { id: 'flat' });
  for (const [id, kind] of [
    ['home', 'home'],
    ['lamp', 'relay'],
  ] as const) {
    await homeostat.request('POST', '/v1/homes/flat/twins', { id, kind });
  }
  await homeostat.request('PUT', '/v1/homes/flat/rules/heard', {
    definition: {
      rule: 'heard',
      triggers: [{ mqtt: 'door/+' }, { mqtt: 'weather/rain', payload: 'much' }],
      actions: [{ set: { twin: 'lamp', desired: { on: `\${trigger.topic == "door/bell"}` } } }],
    },
  });
  const somebody = await connectAsync(homeostat.mqttUrl);
  const lampIs = (on: boolean) =>
    homeostat.until<{ desired: { on?: boolean } }>(
      '/v1/homes/flat/twins/lamp',
      ({ desired }) => desired.on === on,
    );
  await somebody.publishAsync('homeostat/flat/messages/door/bell', '{"button": 1}', { qos: 1 });
  await lampIs(true);
  await somebody.publishAsync('weather/rain', 'little', { qos: 1 });
  await somebody.publishAsync('weather/rain', 'much', { qos: 1, retain: true });
  await lampIs(false);
  await homeostat.kill();
  await homeostat.start();
  await somebody.endAsync();
  const { sentence } = await homeostat.get<{ sentence: string }>(
    '/v1/homes/flat/rules/heard/explain',
  );
  expect(sentence).toContain('a message came: weather/rain "much"');
  expect(await homeostat.get('/v1/homes/flat/rules/heard')).toMatchObject({ runs: 2 });
});

describe.each(STORES)('a rule on $name', ({ open }) => {
  test('that is killed while it holds and while it delays finishes on time', async () => {
    const store = await open();
    await using homeostat = await HomeostatProcess.start(store.env);
    try {
      await homeostat.request('POST', '/v1/homes', { id: 'flat' });
      const device = await connectAsync(homeostat.mqttUrl);
      const report = (topic: string, payload: object) =>
        device.publishAsync(`homeostat/flat/${topic}/telemetry`, JSON.stringify(payload), {
          qos: 1,
        });
      await report('sensor/window', { contact: true });
      await report('relay/fan', { on: false });
      await homeostat.request('PUT', '/v1/homes/flat/rules/airing', { source: RULE });
      await report('sensor/window', { contact: false });
      await device.endAsync();

      const timers = '/v1/homes/flat/twins/airing/timers';
      const one = (prefix: string) =>
        homeostat.until<{ items: Timer[] }>(timers, ({ items }) =>
          items.some(({ id }) => id.startsWith(prefix)),
        );
      const { items: held } = await one('hold:');
      await homeostat.kill();
      await homeostat.start();

      const { items: delayed } = await one('run:');
      expect(await homeostat.get('/v1/homes/flat/twins/fan')).toMatchObject({
        desired: { on: true },
      });
      await homeostat.kill();
      await homeostat.start();
      await homeostat.until<{ desired: object }>('/v1/homes/flat/twins/fan', ({ desired }) =>
        JSON.stringify(desired).includes('false'),
      );
      const rule = await homeostat.get('/v1/homes/flat/rules/airing');
      expect(rule).toMatchObject({ runs: 1, running: 0, lastOutcome: 'finished' });

      // Each deadline fired once, when it had come
      const { items } = await homeostat.get<{ items: Item[] }>(
        '/v1/homes/flat/twins/airing/journal?limit=50',
      );
      const fired = items.filter(
        ({ event }) => event.type === 'timer.fired' && event.timer !== 'settle',
      );
      expect(fired.map(({ event }) => event.timer).reverse()).toEqual([
        held[0]?.id,
        delayed[0]?.id,
      ]);
      for (const [at, { due }] of [held[0] as Timer, delayed[0] as Timer].entries()) {
        expect(Date.parse(fired.at(-1 - at)?.receivedAt ?? '')).toBeGreaterThanOrEqual(
          Date.parse(due),
        );
      }
      expect(await homeostat.get('/v1/homes/flat/twins/airing/replay')).toMatchObject({ ok: true });
    } finally {
      await homeostat.stop();
      await store.close();
    }
  });
});

const LIGHT = `rule: light
triggers: [{ twin: door, path: reported.contact, to: false }]
actions: [{ set: { twin: lamp, desired: { on: true } } }]
`;
const LIGHT_TEST = `rules: [light.yaml]
tests:
  - test: the light goes on
    twins: { door: { kind: sensor }, lamp: { kind: relay, reported: { on: false } } }
    steps: [{ report: { door: { contact: false } } }, { expect: { runs: { light: 1 } } }]
`;

/** A server, and the rule in a file beside it. */
async function author(homeostat: HomeostatProcess) {
  const file = join(homeostat.folder, 'light.yaml');
  await writeFile(file, LIGHT);
  await homeostat.request('POST', '/v1/homes', { id: 'flat' });
  const atFlat = (...args: string[]) =>
    run(['rules', ...args, '--home', 'flat', '--url', homeostat.url], { HOMEOSTAT_TOKEN: TOKEN });
  const furnish = () =>
    Promise.all(
      [
        { id: 'door', kind: 'sensor' },
        { id: 'lamp', kind: 'relay' },
      ].map((twin) => homeostat.request('POST', '/v1/homes/flat/twins', twin)),
    );
  const open = async () => {
    const device = await connectAsync(homeostat.mqttUrl);
    await device.publishAsync('homeostat/flat/sensor/door/telemetry', '{"contact": false}', {
      qos: 1,
    });
    await device.endAsync();
  };
  return { file, atFlat, furnish, open };
}

test('an author runs tests of rules at the command line', async () => {
  await using homeostat = await HomeostatProcess.prepare();
  const tests = join(homeostat.folder, 'light.test.yaml');
  await writeFile(join(homeostat.folder, 'light.yaml'), LIGHT);
  await writeFile(tests, LIGHT_TEST);
  expect(await run(['rules', 'test', tests])).toMatchObject({
    code: 0,
    output: `${tests}\n  ✓ the light goes on\n1 passed, 0 failed\n`,
  });
  await writeFile(tests, LIGHT_TEST.replace('light: 1', 'light: 2'));
  expect(await run(['rules', 'test', tests])).toMatchObject({
    code: 1,
    output: expect.stringContaining(
      '✗ the light goes on\n      step 2, 0s after the start: light has run 1 times',
    ),
  });
});

test('an author checks, puts and explains rules at the command line', async () => {
  await using homeostat = await HomeostatProcess.start();
  const { file, atFlat, furnish, open } = await author(homeostat);
  expect(await atFlat('check', file)).toMatchObject({
    code: 1,
    output: expect.stringContaining(
      `${file}:2:14: error: triggers[0].twin: there is no twin "door"`,
    ),
  });
  expect(await atFlat('put', file)).toMatchObject({ code: 1 });
  await furnish();
  expect(await atFlat('check', file)).toMatchObject({
    code: 0,
    output: `${file}: it could go live\n`,
  });
  expect(await atFlat('put', file)).toMatchObject({
    code: 0,
    output: expect.stringContaining('light is live in flat'),
  });
  await open();
  expect((await atFlat('explain', 'light', '--language', 'de')).output).toContain(
    '„light“ lief um',
  );
  const { items } = await homeostat.get<{ items: { id: string }[] }>('/v1/homes/flat/intents');
  expect((await atFlat('explain', items[0]?.id ?? '')).output).toMatch(
    /lamp got "desired.changed" from light, because/,
  );
  expect(await atFlat('explain', 'nobody')).toMatchObject({
    code: 1,
    output: expect.stringContaining('there is no twin flat/nobody'),
  });
  const nowhere = await run([
    'rules',
    'check',
    file,
    '--home',
    'flat',
    '--url',
    'http://127.0.0.1:1',
    '--token',
    'x',
  ]);
  expect(nowhere).toMatchObject({
    code: 1,
    output: expect.stringContaining(
      'http://127.0.0.1:1 does not answer\n  Is the server running there?',
    ),
  });
});

test('an author tries rules at the command line', async () => {
  await using homeostat = await HomeostatProcess.start();
  const { file, atFlat, furnish, open } = await author(homeostat);
  await furnish();
  expect(await atFlat('put', file)).toMatchObject({ code: 0 });
  await open();
  await writeFile(file, LIGHT.replace('to: false', 'to: true'));
  const tried = await atFlat('backtest', file);
  expect(tried).toMatchObject({
    code: 0,
    output: expect.stringContaining('draft: 0 runs, 0 failed, 0 deeds\nlive: 1 runs'),
  });
  expect(tried.output).toMatch(/ {2}- .* set lamp \{"on":true\}/);
  expect(await atFlat('draft', 'put', file)).toMatchObject({
    code: 0,
    output: expect.stringContaining('a draft of light is on trial in flat'),
  });
  expect((await atFlat('draft', 'show', 'light')).output).toContain(
    'draft: 0 runs, 0 failed, 0 deeds\nlive: 0 runs',
  );
  expect((await atFlat('draft', 'promote', 'light')).output).toContain('light is live in flat');
  expect(await atFlat('draft', 'discard', 'light')).toMatchObject({
    code: 1,
    output: expect.stringContaining('rule "light" has no draft'),
  });
});
