import { expect, test } from 'vitest';
import { ApiBench } from '../../api/http/testing/api-bench.ts';
import { tellStart } from './starts.ts';

const ruleOf = (id: string, triggers: string) => `rule: ${id}
triggers: ${triggers}
actions: [{ let: { n: 1 } }]
`;

test('each rule that wants to know of a start is told once of each, and no other', async () => {
  await using api = await ApiBench.open();
  await api.furnish();
  await api.post('/v1/homes', { id: 'h2' });
  const rules = '/v1/homes/h1/rules';
  const starts = '[{ start: true }, { every: 1h }]';
  await api.put(`${rules}/one`, { source: ruleOf('one', starts) });
  await api.put(`${rules}/off`, { source: ruleOf('off', starts) });
  await api.put(`${rules}/clock`, { source: ruleOf('clock', '[{ every: 1h }]') });
  await api.put('/v1/homes/h2/rules/other', { source: ruleOf('other', starts) });
  await api.call('PATCH', '/v1/homes/h1/twins/off/desired', { body: { enabled: false } });
  const told = async () => {
    const all: Record<string, number> = {};
    for (const [home, rule] of [
      ['h1', 'one'],
      ['h1', 'off'],
      ['h1', 'clock'],
      ['h2', 'other'],
    ] as const) {
      const { items } = await api.engine.storage.listJournal({ home, twin: rule }, { limit: 100 });
      all[rule] = items.filter(({ event }) => event.type === 'engine.started').length;
    }
    return all;
  };
  const all = (start: string) =>
    tellStart(api.engine, { start, held: null }, new AbortController().signal);
  await all('a');
  expect(await told()).toEqual({ one: 1, off: 0, clock: 0, other: 1 });
  // Told anew of the same start, they know it
  await all('a');
  expect(await told()).toEqual({ one: 1, off: 0, clock: 0, other: 1 });
  await all('b');
  expect(await told()).toEqual({ one: 2, off: 0, clock: 0, other: 2 });
  expect((await api.get(`${rules}/one`)).body).toMatchObject({ runs: 2, lastOutcome: 'finished' });
});
