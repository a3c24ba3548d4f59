import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const RULE = `rule: evening
triggers:
  - { twin: door, path: reported.on, to: true }
actions:
  - set: { twin: l1, desired: { on: true } }
`;
const DRAFT = '/v1/homes/h1/rules/evening/draft';

let api: ApiBench;
beforeAll(async () => {
  api = await ApiBench.open();
  await api.furnish();
  await api.post('/v1/homes/h1/twins', { id: 'door', kind: 'lamp' });
});
afterAll(() => api[Symbol.asyncDispose]());

const open = async () => {
  for (const on of [true, false]) {
    await api.post('/v1/homes/h1/twins/door/events', { type: 'telemetry', on });
  }
};

test('a draft is on trial, is compared, goes live, and is discarded', async () => {
  expect((await api.get(DRAFT)).status).toBe(404);
  await api.put('/v1/homes/h1/rules/evening', { source: RULE });
  const put = await api.put(DRAFT, { source: RULE.replace('on: true }', 'on: false }') });
  expect(put.status).toBe(201);
  expect(put.body).toMatchObject({ id: 'evening.draft', draftOf: 'evening', problems: [] });
  await open();
  expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({ desired: { on: true } });
  expect((await api.get(DRAFT)).body).toMatchObject({
    rule: { draftOf: 'evening', runs: 1 },
    differences: {
      draft: { runs: 1 },
      live: { runs: 1 },
      more: [{ type: 'set', what: 'l1 {"on":false}' }],
      fewer: [{ type: 'set', what: 'l1 {"on":true}' }],
    },
  });
  const promoted = await api.post(`${DRAFT}/promote`);
  expect(promoted.body).toMatchObject({ id: 'evening', draftOf: null });
  expect((await api.get(DRAFT)).status).toBe(404);
  await open();
  expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({ desired: { on: false } });

  await api.put(DRAFT, {
    definition: { rule: 'evening', triggers: [{ every: '1h' }], actions: [{ stop: true }] },
  });
  expect((await api.delete(DRAFT)).status).toBe(204);
  expect((await api.delete(DRAFT)).status).toBe(404);
  expect((await api.get('/v1/homes/h1/rules/evening')).body).toMatchObject({ runs: 2 });
});

test('a draft that came as data goes live, before there was a rule', async () => {
  const definition = { rule: 'new', triggers: [{ every: '1h' }], actions: [{ delay: '1m' }] };
  await api.put('/v1/homes/h1/rules/new/draft', { definition });
  expect((await api.get('/v1/homes/h1/rules/new/draft')).body).toMatchObject({
    differences: { live: null },
  });
  const promoted = await api.post('/v1/homes/h1/rules/new/draft/promote');
  expect(promoted.status).toBe(201);
  expect(promoted.body).toMatchObject({ definition: { actions: [{ type: 'delay', ms: 60_000 }] } });
});

test('what is wrong does not go on trial, and does not go live when the home has changed', async () => {
  const bad = await api.put(DRAFT, { source: RULE.replace('twin: l1', 'twin: l11') });
  expect(bad.status).toBe(422);
  expect((await api.put(DRAFT, { source: RULE.replace('evening', 'other') })).status).toBe(422);
  await api.post('/v1/homes/h1/twins', { id: 'gone', kind: 'lamp' });
  await api.put(DRAFT, { source: RULE.replace('twin: l1', 'twin: gone') });
  await api.delete('/v1/homes/h1/twins/gone');
  const promoted = await api.post(`${DRAFT}/promote`);
  expect(promoted.status).toBe(422);
  expect(promoted.body).toMatchObject({ detail: expect.stringContaining('no twin "gone"') });
  await api.post('/v1/homes/h1/twins', { id: 'busy.draft', kind: 'lamp' });
  const busy = await api.put('/v1/homes/h1/rules/busy/draft', {
    source: RULE.replace('evening', 'busy'),
  });
  expect(busy.status).toBe(409);
});
