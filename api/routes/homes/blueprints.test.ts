import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const BLUEPRINT = `blueprint: follow
name: One follows another
inputs:
  leader: { type: twin, path: reported.on, title: Who leads }
  follower: { type: twin, kind: lamp }
  after: { type: duration, default: 1m }
rule:
  triggers:
    - { twin: !input leader, path: reported.on, to: true, for: !input after }
  conditions:
    - twins[<<leader>>].reported.power < 50
  actions:
    - set: { twin: !input follower, desired: { on: true } }
    - delay: 10m
`;
const INSTANCE = `rule: evening
blueprint: follow
name: Evening
inputs: { leader: door, follower: l1 }
`;
const at = '/v1/homes/h1/blueprints/follow';

let api: ApiBench;
beforeEach(async () => {
  api = await ApiBench.open();
  await api.furnish();
  await api.post('/v1/homes/h1/twins', { id: 'door', kind: 'lamp' });
  expect((await api.put(at, { source: BLUEPRINT })).status).toBe(201);
});
afterEach(() => api[Symbol.asyncDispose]());

describe('a blueprint', () => {
  test('is listed and read, with a form for its inputs', async () => {
    expect((await api.get('/v1/homes/h1/blueprints')).items).toMatchObject([
      { id: 'follow', name: 'One follows another', edition: 1 },
    ]);
    expect((await api.get(at)).body).toMatchObject({
      source: BLUEPRINT,
      rules: [],
      inputs: {
        required: ['leader', 'follower'],
        properties: { leader: { title: 'Who leads', 'x-input': 'twin' } },
      },
    });
    expect((await api.get('/v1/homes/h1/blueprints/l1')).status).toBe(404);
    expect((await api.get('/v1/homes/h1/twins/follow')).body).toMatchObject({ kind: 'blueprint' });
  });

  test('that is wrong is refused with every problem', async () => {
    const wrong = BLUEPRINT.replace('!input leader', '!input laeder').replace(
      '<<leader>>',
      '<<l>>',
    );
    const { status, body } = await api.put(at, { source: wrong });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      {
        path: 'body.source:9:9',
        message: expect.stringContaining('there is no input "laeder"; did you mean "leader"?'),
      },
      { path: 'body.source:11:7', message: expect.stringContaining('there is no input "l"') },
    ]);
    expect((await api.get(at)).body).toMatchObject({ edition: 1 });
    const other = await api.put('/v1/homes/h1/blueprints/other', { source: BLUEPRINT });
    expect(other.status).toBe(422);
    const taken = BLUEPRINT.replace('blueprint: follow', 'blueprint: l1');
    expect((await api.put('/v1/homes/h1/blueprints/l1', { source: taken })).status).toBe(409);
  });

  test('nobody defines past its own address', async () => {
    const forged = { type: 'blueprint.defined', definition: {}, source: null };
    expect((await api.post('/v1/homes/h1/twins/follow/events', forged)).body).toMatchObject({
      code: 'unknown-event',
    });
  });
});

describe('a rule that is made from a blueprint', () => {
  test('goes live as text or as values, is checked and tried, and says where it came from', async () => {
    const made = await api.put('/v1/homes/h1/rules/evening', { source: INSTANCE });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'Evening',
      source: INSTANCE,
      blueprint: { id: 'follow', edition: 1, inputs: { leader: 'door', follower: 'l1' } },
      definition: {
        rule: 'evening',
        triggers: [{ twin: ['door'], for: 60_000 }],
        conditions: [{ expression: 'twins["door"].reported.power < 50' }],
      },
    });
    const given = { blueprint: 'follow', inputs: { leader: 'door', follower: 'l1', after: '2m' } };
    expect((await api.put('/v1/homes/h1/rules/morning', given)).body).toMatchObject({
      source: null,
      blueprint: { id: 'follow' },
      definition: { rule: 'morning', triggers: [{ for: 120_000 }] },
    });
    expect((await api.post('/v1/homes/h1/rules/check', given)).body).toMatchObject({ ok: true });
    const tried = await api.post('/v1/homes/h1/rules/backtest', { rule: given });
    expect(tried.body).toMatchObject({ draft: { runs: 0 } });
    const wrong = { ...given, inputs: { leader: 'door', follower: 'l11' } };
    expect((await api.put('/v1/homes/h1/rules/noon', wrong)).body).toMatchObject({
      code: 'bad-input',
      detail: 'inputs.follower: there is no twin "l11"; did you mean "l1"?',
    });
    const misspelt = await api.post('/v1/homes/h1/rules/check', {
      source: INSTANCE.replace('follow\n', 'folow\n'),
    });
    expect(misspelt.body).toMatchObject({
      ok: false,
      problems: [
        { line: 2, column: 1, message: 'there is no blueprint "folow"; did you mean "follow"?' },
      ],
    });
    expect((await api.get(at)).body.rules).toEqual([
      { id: 'evening', edition: 1, behind: false },
      { id: 'morning', edition: 1, behind: false },
    ]);
  });

  test('changes with it, and goes on running where nothing of it has changed', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: INSTANCE });
    await api.post('/v1/homes/h1/rules/evening/run', { conditions: false });
    const title = BLUEPRINT.replace('Who leads', 'The leader');
    expect((await api.put(at, { source: title })).body).toMatchObject({
      edition: 2,
      rules: [{ id: 'evening', edition: 2, behind: false }],
    });
    expect((await api.get('/v1/homes/h1/rules/evening')).body).toMatchObject({ running: 1 });
    const longer = title.replace('default: 1m', 'default: 3m');
    expect((await api.put(at, { source: longer })).body).toMatchObject({ edition: 3 });
    expect((await api.get('/v1/homes/h1/rules/evening')).body).toMatchObject({
      running: 0,
      lastOutcome: 'replaced',
      name: 'Evening',
      definition: { name: 'Evening', triggers: [{ for: 180_000 }] },
    });
    // Once more is the same
    expect((await api.put(at, { source: longer })).body).toMatchObject({ edition: 3 });
  });

  test('keeps it from changing where it would break, and says why', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: INSTANCE });
    const more = BLUEPRINT.replace('rule:\n', '  more: { type: number }\nrule:\n').replace(
      'delay: 10m',
      'let: { n: !input more }',
    );
    const { status, body } = await api.put(at, { source: more });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      detail: 'it would break the rule "evening"',
      errors: [{ path: 'rules.evening', message: 'inputs.more: is missing: more (number)' }],
    });
    expect((await api.get(at)).body).toMatchObject({ edition: 1, source: BLUEPRINT });
  });

  test('left behind by a crash is shown, and the next PUT of the same brings it on', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: INSTANCE });
    const source = BLUEPRINT.replace('default: 1m', 'default: 3m');
    // As it is when the process ends right after the blueprint's own turn
    const { engine } = api;
    const { tell } = engine;
    engine.tell = (told) =>
      told.event.type === 'rule.defined'
        ? Promise.reject(new Error('killed'))
        : tell.call(engine, told);
    expect((await api.put(at, { source })).status).toBe(500);
    engine.tell = tell;
    expect((await api.get(at)).body).toMatchObject({
      edition: 2,
      rules: [{ id: 'evening', edition: 1, behind: true }],
    });
    expect((await api.get('/v1/homes/h1/rules/evening')).body).toMatchObject({
      definition: { triggers: [{ for: 60_000 }] },
    });
    expect((await api.put(at, { source })).body).toMatchObject({
      edition: 2,
      rules: [{ id: 'evening', edition: 2, behind: false }],
    });
  });

  test('keeps it from going, unless it is detached: then it is a rule of its own', async () => {
    await api.put('/v1/homes/h1/rules/evening', { source: INSTANCE });
    expect((await api.delete(at)).body).toMatchObject({
      code: 'conflict',
      detail: 'the rule "evening" is made from it',
    });
    expect((await api.delete(`${at}?detach=true`)).status).toBe(204);
    expect((await api.get(at)).status).toBe(404);
    const { body } = await api.get('/v1/homes/h1/rules/evening');
    expect(body).toMatchObject({ blueprint: null, enabled: true });
    expect(body.source).not.toContain('blueprint');
    const again = await api.put('/v1/homes/h1/rules/evening', { source: body.source });
    expect(again.body.definition).toEqual(body.definition);
  });
});
