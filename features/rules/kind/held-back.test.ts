import { expect, it } from 'vitest';
import { openStorage } from '../../../engine/index.ts';
import { startEngine } from '../../../engine/testing/engine-bench.ts';
import { kinds } from '../../../twins/catalogue.ts';
import { startRules } from '../testing/rule-bench.ts';
import { rule } from './rule.ts';

const EACH_MINUTE = `
rule: each-minute
triggers: [{every: 1m}, {twin: motion, path: reported.occupancy, to: true}, {webhook: call}]
mode: parallel
actions:
  - set: { twin: lamp, desired: { on: true } }
  - delay: 10m
  - set: { twin: lamp, desired: { on: false } }
`;

it('a rule that is held back does nothing, loses nothing, and goes on afterwards', async () => {
  const storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 100 });
  // What one bench disposes, the next needs
  const kept = { ...storage, [Symbol.asyncDispose]: async () => {} };
  const reading = async (bench: Awaited<ReturnType<typeof startEngine>>) => {
    const read = await bench.engine.readTwin({ home: 'h1', twin: 'each-minute' });
    return { revision: read?.row.revision, ...read?.view.reported } as Record<string, unknown>;
  };
  const first = await startRules({ storage: kept });
  await first.tell('lamp', { type: 'telemetry', on: false }, 'relay');
  await first.tell('motion', { type: 'telemetry', occupancy: false });
  await first.define(EACH_MINUTE);
  await first.pass(60_000);
  expect(await first.reported('each-minute')).toMatchObject({ runs: 1, running: 1 });
  const clock = first.bench.clock;
  await first[Symbol.asyncDispose]();

  const held = await startEngine({
    ...{ storage: kept, clock, kinds: [...kinds, rule], holdBack: ['rule'] },
  });
  const before = await reading(held);
  await held.pass(30 * 60_000);
  await held.send('motion', { type: 'telemetry', occupancy: true });
  const called = { type: 'webhook.called', hook: 'call', body: null };
  for (const event of [called, { type: 'run' }]) {
    expect(await held.tell('each-minute', event)).toMatchObject({
      ...{ status: 'rejected', code: 'held-back' },
    });
  }
  expect(await reading(held)).toEqual(before);
  await held[Symbol.asyncDispose]();

  await using last = await startRules({ storage: kept, clock });
  await last.pass(1_000);
  // The end of its delay has come late; its clock is in step
  expect(await last.reported('each-minute')).toMatchObject({ runs: 2, running: 1 });
  expect(await last.bench.engine.replay({ home: 'h1', twin: 'each-minute' })).toMatchObject({
    ok: true,
  });
  await storage[Symbol.asyncDispose]();
});

it('a rule that is held back can be changed, disabled and deleted', async () => {
  await using bench = await startEngine({ kinds: [...kinds, rule], holdBack: ['rule'] });
  const { engine } = bench;
  const by = { principal: 'admin', source: 'rest' };
  await engine.createHome({ id: 'h1', name: 'h1', timezone: 'UTC' });
  await engine.createTwin({ home: 'h1', twin: 'r', kind: 'rule' }, by);
  const definition = {
    rule: 'r',
    mode: 'single',
    most: 10,
    priority: 0,
    triggers: [],
    conditions: [],
    actions: [],
  };
  const defined = { type: 'rule.defined', definition, source: null };
  expect(await bench.tell('r', defined as never)).toMatchObject({
    status: 'accepted',
  });
  expect(await engine.desire({ home: 'h1', twin: 'r' }, { enabled: false }, by)).toMatchObject({
    status: 'accepted',
  });
  await engine.deleteTwin({ home: 'h1', twin: 'r' }, by);
});
