import { describe, expect, it } from 'vitest';
import { startRules } from '../testing/rule-bench.ts';

const MINUTE = 60_000;
const BOMB = `
rule: bomb
triggers: [{every: 2s}]
actions:
  - let: {x: "\${[0,1,2,3,4,5,6,7,8,9]}"}
  - repeat: {times: 8, do: [{let: {x: "\${vars.x.map(a, vars.x)}"}}]}
`;
const DOUBLING = BOMB.replace('vars.x.map(a, vars.x)', 'vars.x + vars.x').replace(
  'times: 8',
  'times: 40',
);
const SQUARE = `
rule: square
triggers: [{webhook: call}]
conditions:
  - trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))
actions: [{stop: true}]
`;
const call = { type: 'webhook.called', hook: 'call' };
const numbers = Array.from({ length: 4_000 }, (_, at) => at);

const alertsOf = async (home: Awaited<ReturnType<typeof startRules>>) => {
  const { items } = await home.bench.engine.storage.listAlerts('h1', {}, { limit: 10 });
  return items.map(({ key, status, message }) => ({ key, status, message }));
};

describe('a rule that costs more than it may', () => {
  it.each([
    [
      'aliases',
      BOMB,
      /^actions\[1\]\.repeat\.do\[0\]\.let: setting x lets the variables of its run grow beyond 64 KiB$/,
    ],
    [
      'doubling',
      DOUBLING,
      /^actions\[1\]\.repeat\.do\[0\]\.let: "vars\.x \+ vars\.x" makes more than 256 KiB/,
    ],
  ])('fails with a reason that names the place (%s)', async (_name, text, reason) => {
    await using home = await startRules();
    await home.define(text);
    await home.pass(2_000);
    expect(await home.reported('bomb')).toMatchObject({
      ...{ runs: 1, running: 0, failures: 1, lastOutcome: 'failed' },
      lastError: expect.stringMatching(reason),
    });
    expect(await home.state('bomb')).toEqual({ switch: 'enabled', activity: 'idle' });
  });

  it('is disabled with an alert the third time, its timers with it, the same at replay', async () => {
    await using home = await startRules();
    await home.define(BOMB);
    for (let round = 0; round < 3; round++) await home.pass(2_000);
    expect(await home.state('bomb')).toEqual({ switch: 'disabled', activity: 'idle' });
    expect(await home.desired('bomb')).toEqual({ enabled: false });
    expect(await alertsOf(home)).toEqual([
      {
        ...{ key: 'rule-budget', status: 'raised' },
        message: expect.stringMatching(
          /^disabled, .* actions\[1\]\.repeat\.do\[0\]\.let: setting x/,
        ),
      },
    ]);
    await home.pass(10 * MINUTE);
    expect(await home.reported('bomb')).toMatchObject({ runs: 3 });
    const bomb = await home.bench.engine.readTwin({ home: 'h1', twin: 'bomb' });
    expect(bomb?.row.state.timers).toEqual([]);
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'bomb' })).toMatchObject({
      ok: true,
    });
  });

  it('runs again when a person enables it, and the alert ends', async () => {
    await using home = await startRules();
    await home.define(BOMB);
    for (let round = 0; round < 3; round++) await home.pass(2_000);
    await home.tell('bomb', { type: 'desired.changed', enabled: true }, 'rule');
    expect(await alertsOf(home)).toMatchObject([{ key: 'rule-budget', status: 'cleared' }]);
    for (let round = 0; round < 3; round++) await home.pass(2_000);
    expect(await home.reported('bomb')).toMatchObject({ runs: 5, failures: 5 });
    expect(await home.state('bomb')).toMatchObject({ switch: 'enabled' });
  });

  it('is enabled by another definition, which begins with a clean record', async () => {
    await using home = await startRules();
    await home.define(BOMB);
    for (let round = 0; round < 3; round++) await home.pass(2_000);
    await home.define(BOMB.replace('times: 8', 'times: 1'));
    expect(await home.desired('bomb')).toEqual({ enabled: true });
    expect(await alertsOf(home)).toMatchObject([{ status: 'cleared' }]);
    await home.pass(2_000);
    expect(await home.reported('bomb')).toMatchObject({ lastOutcome: 'finished' });
  });

  it('is not disabled for what happens now and then', async () => {
    await using home = await startRules();
    await home.define(BOMB.replace('every: 2s', 'every: 45m'));
    for (let round = 0; round < 32; round++) await home.pass(45 * MINUTE);
    expect(await home.state('bomb')).toMatchObject({ switch: 'enabled' });
    expect((await home.reported('bomb')).failures).toBe(32);
  });

  it('does not ask a condition that a webhook has made too expensive', async () => {
    await using home = await startRules();
    await home.define(SQUARE);
    const body = { l: numbers };
    await home.bench.tell('square', { ...call, body });
    expect(await home.reported('square')).toMatchObject({
      ...{ runs: 0, failures: 1 },
      lastError: expect.stringMatching(
        /^conditions\[0\]: "trigger\.body\.l\.exists.* 50,000 steps/,
      ),
    });
  });

  it('is not asked on about a message that has made its trigger too expensive', async () => {
    await using home = await startRules();
    await home.bench.send('home', { type: 'settings.changed' }, { kind: 'home' });
    await home.define(
      SQUARE.replace(
        '{webhook: call}',
        '{mqtt: sums, where: "trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))"}',
      ).replace(/conditions:\n.*\n/, ''),
    );
    for (let at = 0; at < 3; at++) {
      await home.bench.send(
        'home',
        { type: 'message', topic: 'sums', body: { l: numbers } },
        { kind: 'home', source: 'message' },
      );
    }
    expect(await home.reported('square')).toMatchObject({
      ...{ runs: 0 },
      lastError: expect.stringMatching(/^triggers: "trigger\.body\.l\.exists.* 10,000 steps/),
    });
    expect(await home.state('square')).toMatchObject({ switch: 'disabled' });
  });

  it('lets others of the home that cost little have their turn, and says when one was left out', async () => {
    await using home = await startRules();
    const expensive = (id: string) =>
      SQUARE.replace('rule: square', `rule: ${id}`)
        .replace(
          '{webhook: call}',
          '{event: telemetry, twin: meter, where: "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20].all(a, [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20].all(b, a + b + a + b + a + b + a + b > -1))"}',
        )
        .replace(/conditions:\n.*\n/, '');
    await home.tell('meter', { type: 'telemetry', power: 1 });
    for (let at = 10; at < 25; at++) await home.define(expensive(`rule-${at}`));
    await home.tell('meter', { type: 'telemetry', power: 2 });
    expect(await home.reported('rule-10')).toMatchObject({ runs: 1 });
    expect(await home.reported('rule-24')).toMatchObject({
      runs: 0,
      failures: 0,
      lastError: expect.stringContaining('the rules of the home together'),
    });
  });

  it('ends its youngest run when it remembers more than it may', async () => {
    await using home = await startRules();
    await home.define(
      SQUARE.replace(/conditions:\n.*\n/, '').replace('{stop: true}', '{delay: 1h}') +
        'mode: parallel\n',
    );
    const body = 'x'.repeat(60_000);
    for (let at = 0; at < 2; at++) {
      await home.bench.tell('square', { ...call, body });
    }
    expect(await home.reported('square')).toMatchObject({
      ...{ runs: 2, running: 1, failures: 1 },
      lastError: expect.stringContaining('remembers more than 96 KiB'),
    });
  });
});
