import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const RULE = `rule: evening
name: Evening light
triggers:
  - { twin: door, path: reported.on, to: true }
actions:
  - set: { twin: l1, desired: { on: true } }
  - delay: 10m
`;

let api: ApiBench;
beforeAll(async () => {
  api = await ApiBench.open();
  await api.furnish();
  await api.post('/v1/homes/h1/twins', { id: 'door', kind: 'lamp' });
});
afterAll(() => api[Symbol.asyncDispose]());

describe('a rule', () => {
  test('goes live, is read, runs, is changed and deleted', async () => {
    const made = await api.put('/v1/homes/h1/rules/evening', { source: RULE });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: 'evening',
      name: 'Evening light',
      enabled: true,
      runs: 0,
      source: RULE,
      problems: [],
      definition: { mode: 'single', actions: [{ type: 'set' }, { type: 'delay', ms: 600_000 }] },
    });
    await api.post('/v1/homes/h1/twins/door/events', { type: 'telemetry', on: true });
    const ran = await api.get('/v1/homes/h1/rules/evening');
    expect(ran.body).toMatchObject({ runs: 1, running: 1, lastOutcome: null });
    expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({ desired: { on: true } });
    const changed = await api.put('/v1/homes/h1/rules/evening', {
      definition: { rule: 'evening', triggers: [{ every: '1h' }], actions: [{ stop: true }] },
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ running: 0, lastOutcome: 'replaced', source: null });
    const byHand = await api.post('/v1/homes/h1/rules/evening/run', {});
    expect(byHand.body).toMatchObject({ status: 'accepted' });
    const listed = await api.get('/v1/homes/h1/rules');
    expect(listed.body).toMatchObject({
      items: [{ id: 'evening', runs: 2, lastOutcome: 'stopped' }],
    });
    expect((await api.delete('/v1/homes/h1/rules/evening')).status).toBe(204);
    expect((await api.get('/v1/homes/h1/rules/evening')).status).toBe(404);
  });

  test('that is wrong does not go live, and every problem is told with its place', async () => {
    const bad = RULE.replace('twin: l1', 'twin: l11').replace('to: true', 'to: open');
    const answer = await api.put('/v1/homes/h1/rules/evening', { source: bad });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      code: 'bad-input',
      errors: [
        {
          path: 'body.source:4:38',
          message: 'triggers[0].to: it is never "open"; it can be: true, false',
        },
        {
          path: 'body.source:6:12',
          message: 'actions[0].set.twin: there is no twin "l11"; did you mean "l1"?',
        },
      ],
    });
    expect((await api.get('/v1/homes/h1/rules/evening')).status).toBe(404);
    const other = await api.put('/v1/homes/h1/rules/morning', { source: RULE });
    expect(other.body).toMatchObject({
      detail: 'the rule calls itself "evening", and its address "morning"',
    });
    const taken = await api.put('/v1/homes/h1/rules/l1', { source: RULE.replace('evening', 'l1') });
    expect(taken.status).toBe(409);
  });

  test('is checked without going live', async () => {
    const good = await api.post('/v1/homes/h1/rules/check', { source: RULE });
    expect(good.body).toMatchObject({ ok: true, problems: [], definition: { rule: 'evening' } });
    const bad = await api.post('/v1/homes/h1/rules/check', { source: 'rule: x\ntrigers: []\n' });
    expect(bad.body).toMatchObject({ ok: false, definition: null });
    expect(bad.body.problems).toContainEqual({
      severity: 'error',
      message: '"trigers" means nothing here; did you mean "triggers"?',
      path: 'trigers',
      line: 2,
      column: 1,
    });
  });

  test('cannot be defined or set off past its own address', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: RULE });
    for (const type of ['rule.defined', 'observed', 'due']) {
      const forged = { type, definition: {}, source: null, twin: 'a', turn: 'a', what: 'hold:0' };
      const answer = await api.post('/v1/homes/h1/twins/evening/events', forged);
      expect(answer.body).toMatchObject({
        code: 'unknown-event',
        detail: `a request cannot send "${type}" to a rule`,
      });
    }
    await api.delete('/v1/homes/h1/rules/evening');
  });

  test('is not the reason for what somebody does under a key that looks like its effect', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: RULE });
    await api.post('/v1/homes/h1/rules/evening/run', {});
    const { items } = await api.get('/v1/homes/h1/twins/evening/journal?limit=1');
    const key = `h1/evening@${String(items[0]?.revision)}#0`;
    for (const id of [key, `h1/evening@${String(items[0]?.revision)}.abcdefgh#0`]) {
      const call = { headers: { 'idempotency-key': id } };
      const wanted = { name: 'blink', args: { times: 1 } };
      const { body } = await api.post('/v1/homes/h1/twins/door/commands', wanted, call);
      const intent = encodeURIComponent(String(body.id));
      const chain = await api.get(`/v1/homes/h1/explain/${intent}`);
      expect(chain.status).toBe(200);
      expect(JSON.stringify(chain.body)).not.toContain('evening"');
    }
    await api.delete('/v1/homes/h1/rules/evening');
  });

  test('is explained, and so is a command that it led to', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: RULE });
    await api.post('/v1/homes/h1/twins/door/events', { type: 'telemetry', on: false });
    await api.post('/v1/homes/h1/twins/door/events', { type: 'telemetry', on: true });
    const { body } = await api.get('/v1/homes/h1/rules/evening/explain?language=de');
    expect(body).toMatchObject({
      sentence: expect.stringMatching(
        /^„evening“ lief um .*, weil door sich von false auf true änderte\./,
      ),
      accounts: [{ because: expect.stringContaining('h1/door@'), trace: expect.any(Array) }],
    });
    const intents = await api.get('/v1/homes/h1/twins/evening/journal?limit=1');
    const { effects } = (intents.body.items as { effects: { id: string }[] }[])[0] ?? {
      effects: [],
    };
    const id = encodeURIComponent(effects[0]?.id ?? '');
    const chain = await api.get(`/v1/homes/h1/explain/${id}`);
    expect(chain.body).toMatchObject({ links: [{ twin: 'evening' }, { twin: 'door' }] });
    expect((await api.get('/v1/homes/h1/explain/h1%2Fdoor%4099%230')).status).toBe(404);
    expect((await api.get('/v1/homes/h1/rules/l1/explain')).status).toBe(404);
    expect((await api.get('/v1/homes/h1/rules/evening/explain?from=2020-01-01')).status).toBe(422);
    expect((await api.get('/v1/homes/h1/rules/evening/explain?from=5&to=4')).status).toBe(422);
  });

  test('is tried on what has happened', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: RULE });
    const draft = { source: RULE.replace('to: true', 'to: false') };
    api.clock.advance(20 * 60_000);
    await api.post('/v1/homes/h1/twins/door/events', { type: 'telemetry', on: false });
    const { body } = await api.post('/v1/homes/h1/rules/backtest', {
      rule: draft,
      from: 0,
      to: 86_400_000,
    });
    expect(body).toMatchObject({ turns: 0, draft: { runs: 0 }, live: { runs: 0 } });
    api.clock.advance(1);
    const all = await api.post('/v1/homes/h1/rules/backtest', { rule: draft });
    expect(all.body).toMatchObject({
      draft: { runs: expect.any(Number), deeds: expect.any(Array) },
      more: expect.arrayContaining([
        { at: expect.any(String), type: 'set', what: 'l1 {"on":true}' },
      ]),
    });
    const bad = await api.post('/v1/homes/h1/rules/backtest', { rule: { source: 'rule: x' } });
    expect(bad.status).toBe(422);
    const long = await api.post('/v1/homes/h1/rules/backtest', { rule: draft, from: 0 });
    expect(long.body).toMatchObject({ detail: 'at most 31 days at once' });
  });

  test('has a schema for editors', async () => {
    const { body } = await api.get('/v1/rules/schema');
    expect(body).toMatchObject({ type: 'object', required: ['rule', 'triggers', 'actions'] });
  });
});
