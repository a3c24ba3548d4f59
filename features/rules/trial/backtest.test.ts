import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Definition, readRule } from '../index.ts';
import { startRules } from '../testing/rule-bench.ts';
import { backtest, type Deed } from './backtest.ts';

const MINUTE = 60_000;

const definitionOf = (text: string): Definition => {
  const { value, problems } = readRule(text);
  if (!value) throw new Error(JSON.stringify(problems));
  return value;
};

/** Rules of each sort: crossings, holds, waits, clocks, conditions on others, modes. */
const RULES = {
  heat: `rule: r
triggers: [{ kind: sensor, path: reported.temperature, above: 20, hysteresis: 1 }]
key: trigger.twin
mode: parallel
actions: [{ set: { twin: fan, desired: { on: true } } }, { delay: 7m }, { set: { twin: fan, desired: { on: false } } }]`,
  airing: `rule: r
mode: restart
triggers: [{ twin: [a, b], path: reported.contact, to: false, for: 10m }]
conditions: [twins.b.reported.temperature > 15 || !has(twins.b.reported.temperature)]
actions: [{ notify: { title: air, message: "\${trigger.twin}" } }, { wait: { for: { twin: a, path: reported.contact, to: true }, timeout: 30m } }, { alert: { key: aired, message: done } }, { clear: aired }]`,
  clock: `rule: r
mode: queued
triggers: [{ every: 11m }, { at: ["01:30", "02:15"] }, { when: twins.a.reported.temperature > twins.b.reported.temperature, for: 3m }]
conditions: [{ not: { after: "01:00", before: "01:20" } }]
actions: [{ let: { t: "\${has(twins.a.reported.temperature) ? string(twins.a.reported.temperature) : 'none'}" } }, { delay: 2m }, { notify: { title: "\${trigger.id}", message: "\${vars.t}" } }]`,
};

const reports = fc.array(
  fc.record({
    twin: fc.constantFrom('a', 'b'),
    minutes: fc.integer({ min: 0, max: 15 }),
    report: fc.oneof(
      fc.record({ temperature: fc.integer({ min: 10, max: 26 }) }),
      fc.record({ contact: fc.boolean() }),
    ),
  }),
  { minLength: 1, maxLength: 30 },
);

it.each(Object.entries(RULES))('says of the rule "%s" what it did live', async (_name, text) => {
  await fc.assert(
    fc.asyncProperty(reports, async (stream) => {
      await using home = await startRules();
      const { clock, engine, storage } = home.bench;
      await home.tell('fan', { type: 'telemetry', on: false }, 'relay');
      for (const twin of ['a', 'b']) await home.tell(twin, { type: 'telemetry', battery: 90 });
      const from = clock.now();
      await home.define(text);
      for (const { twin, minutes, report } of stream) {
        for (let minute = 0; minute < minutes; minute++) await home.pass(MINUTE);
        await home.tell(twin, { type: 'telemetry', ...report });
      }
      for (let minute = 0; minute < 40; minute++) await home.pass(MINUTE);
      const definition = definitionOf(text);
      const span = { from, to: clock.now() + 1 };
      const given = {
        home: 'h1',
        timezone: 'Europe/Berlin',
        draft: definition,
        live: definition,
        span,
      };
      const first = await backtest(engine, given);
      expect(await backtest(engine, given)).toEqual(first);
      expect(first).toMatchObject({ more: [], fewer: [] });
      const { items } = await storage.listJournal({ home: 'h1', twin: 'r' }, { limit: 500 });
      const live = items
        .reverse()
        .flatMap(({ effects, receivedAt }) =>
          effects.flatMap((effect): string[] =>
            effect.type === 'tell' || effect.type === 'notify' || effect.type === 'alert'
              ? [`${receivedAt} ${effect.type}`]
              : [],
          ),
        );
      const types: Record<Deed['type'], string> = {
        ...{
          set: 'tell',
          release: 'tell',
          command: 'tell',
          send: 'tell',
          notify: 'notify',
          webhook: 'webhook',
          alert: 'alert',
          clear: 'alert',
        },
      };
      expect(first.draft.deeds.map(({ at, type }) => `${at} ${types[type]}`)).toEqual(live);
    }),
    { numRuns: 12 },
  );
});

it('tells what a draft would do more and fewer than what is live, and sends nothing', async () => {
  await using home = await startRules();
  const { clock, engine } = home.bench;
  const live = `rule: r
triggers: [{ twin: a, path: reported.temperature, above: 20 }]
actions: [{ set: { twin: fan, desired: { on: true } } }]`;
  const draft = live.replace('above: 20', 'above: 22').replace('on: true', 'on: true').concat('\n');
  await home.tell('fan', { type: 'telemetry', on: false }, 'relay');
  const from = clock.now();
  for (const temperature of [19, 21, 19, 23, 19]) {
    await home.pass(5 * MINUTE);
    await home.tell('a', { type: 'telemetry', temperature });
  }
  const result = await backtest(engine, {
    ...{ home: 'h1', timezone: 'UTC', draft: definitionOf(draft), live: definitionOf(live) },
    span: { from, to: clock.now() + 1 },
  });
  expect(result.draft).toMatchObject({ runs: 1, failed: 0 });
  expect(result.live).toMatchObject({ runs: 2 });
  expect(result.more).toEqual([]);
  expect(result.fewer).toMatchObject([
    { type: 'set', what: 'fan {"on":true}', at: from + 10 * MINUTE },
  ]);
  expect(home.commands()).toEqual([]);
  expect(await home.desired('fan')).toEqual({});
});

it('pauses after each turn, also those of clocks in which nothing else happens', async () => {
  await using home = await startRules();
  const { clock, engine } = home.bench;
  const from = clock.now();
  let pauses = 0;
  const reader = {
    ...{ kinds: engine.kinds, storage: engine.storage, view: engine.view },
    readTwin: engine.readTwin,
    async pause() {
      pauses++;
    },
  };
  await backtest(reader, {
    ...{ home: 'h1', timezone: 'UTC', live: null },
    draft: definitionOf('rule: r\ntriggers: [{ every: 1s }]\nactions: [{ stop: true }]'),
    span: { from, to: from + 10 * MINUTE },
  });
  expect(pauses).toBeGreaterThanOrEqual(590);
});
