import { describe, expect, it } from 'vitest';
import { startRules } from '../testing/rule-bench.ts';
import { chainOf } from './chain.ts';
import { explainRule } from './explain.ts';
import { tellChain, tellExplanation } from './words.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const RULE = `
rule: night-light
triggers:
  - { twin: hall-motion, path: reported.occupancy, to: true }
  - { twin: door, path: reported.contact, to: false, for: 10m }
  - { twin: freezer, path: reported.temperature, above: -15, hysteresis: 1 }
conditions:
  - twins.hall.reported.illuminance < 40
actions:
  - set: { twin: lamp, desired: { on: true } }
  - delay: 5m
  - set: { twin: lamp, desired: { on: false } }
`;

async function yesterday() {
  const home = await startRules();
  await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
  await home.tell('hall', { type: 'telemetry', illuminance: 12 });
  await home.tell('freezer', { type: 'telemetry', temperature: -20 });
  await home.define(RULE);
  await home.pass(1);
  const from = home.bench.clock.now();
  const { storage, clock } = home.bench;
  return { home, storage, clock, from };
}

/** The same home in another process, a day later. */
async function today({ home, storage, clock }: Awaited<ReturnType<typeof yesterday>>) {
  await home.bench.engine[Symbol.asyncDispose]();
  clock.advance(DAY);
  const later = await startRules({ storage, clock });
  return { ...later, engine: later.bench.engine };
}

it('says why a rule of yesterday ran, and what came of it, after a restart', async () => {
  const day = await yesterday();
  const { home, from, clock } = day;
  await home.tell('hall-motion', { type: 'telemetry', occupancy: true });
  await home.pass(5 * MINUTE);
  const to = clock.now() + 1;
  await using later = await today(day);
  const explanation = await explainRule(later.engine, 'h1', 'night-light', { from, to });
  expect(explanation.accounts).toMatchObject([
    {
      because: 'h1/hall-motion@1',
      trace: [
        {
          type: 'condition',
          verdict: {
            isTrue: true,
            operands: [{ text: 'twins.hall.reported.illuminance', value: 12 }],
          },
        },
        { type: 'started', run: 1, hit: { twin: 'hall-motion', to: true } },
        { type: 'done', what: 'set {"twin":"lamp","desired":{"on":true}}' },
        { type: 'waits', what: '5m' },
      ],
    },
    { event: 'due', trace: [{ type: 'done' }, { type: 'ended', outcome: 'finished' }] },
  ]);
  expect(tellExplanation(explanation, 'en', 'Europe/Berlin')).toBe(
    '"night-light" ran at 05/01/2026, 01:00:00 because hall-motion changed to true, ' +
      'twins.hall.reported.illuminance < 40 (illuminance: 12) was true. ' +
      'It did: set {"twin":"lamp","desired":{"on":true}}. It waits: 5m. ' +
      'It went on at 05/01/2026, 01:05:00. ' +
      'It did: set {"twin":"lamp","desired":{"on":false}}. The run finished.',
  );
  expect(tellExplanation(explanation, 'de', 'Europe/Berlin')).toContain(
    '„night-light“ lief um 05.01.26, 01:00:00, weil hall-motion sich auf true änderte, ' +
      'twins.hall.reported.illuminance < 40 (illuminance: 12) war wahr.',
  );
});

it('goes from a command back to what began it, over the rule and its delay', async () => {
  const day = await yesterday();
  const { home } = day;
  await home.tell('hall-motion', { type: 'telemetry', occupancy: true });
  await home.tell('lamp', { type: 'telemetry', on: true }, 'relay');
  await home.pass(5 * MINUTE);
  await using later = await today(day);
  const { items } = await later.bench.engine.listIntents('h1', {}, { limit: 1 });
  expect(items).toMatchObject([{ twin: 'lamp', args: { on: false } }]);
  const links = await chainOf(later.engine, 'h1', items[0]?.id ?? '');
  expect(links.map(({ twin, event }) => `${twin} ${event.type}`)).toEqual([
    'lamp desired.changed',
    'night-light timer.fired',
    'night-light observed',
    'hall-motion telemetry',
  ]);
  expect(links[0]?.effect).toMatchObject({ type: 'command', name: 'switch' });
  expect(links[2]?.account?.trace).toMatchObject([
    { type: 'condition' },
    { type: 'started' },
    {},
    {},
  ]);
  expect(tellChain(links, 'en', 'UTC')).toBe(
    'At 05/01/2026, 00:05:00 lamp got "desired.changed" from night-light, ' +
      'because at 05/01/2026, 00:05:00 night-light got "timer.fired" (timer, engine), ' +
      'because at 05/01/2026, 00:00:00 night-light got "observed" from hall-motion, ' +
      'because at 05/01/2026, 00:00:00 hall-motion got "telemetry" (mqtt, device).',
  );
  await expect(chainOf(later.engine, 'h1', 'h1/lamp@99#0')).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(chainOf(later.engine, 'h1', 'other/lamp@1#0')).rejects.toMatchObject({
    code: 'not-found',
  });
});

it('says why a rule did not run: which condition was false, with its operands', async () => {
  const day = await yesterday();
  const { home, from, clock } = day;
  await home.tell('hall', { type: 'telemetry', illuminance: 300 });
  await home.tell('hall-motion', { type: 'telemetry', occupancy: true });
  const to = clock.now() + 1;
  await using later = await today(day);
  const explanation = await explainRule(later.engine, 'h1', 'night-light', { from, to });
  expect(explanation.accounts).toMatchObject([
    {
      trace: [
        { verdict: { isTrue: false, operands: [{ value: 300 }] } },
        { type: 'refused', reason: 'a condition was not true' },
      ],
    },
  ]);
  expect(tellExplanation(explanation, 'en', 'UTC')).toContain(
    'was set off at 05/01/2026, 00:00:00 because hall-motion changed to true, but did not run: ' +
      'twins.hall.reported.illuminance < 40 (illuminance: 300) was false.',
  );
});

it('says which trigger came near, and how near', async () => {
  const day = await yesterday();
  const { home, from, clock } = day;
  await home.tell('hall-motion', { type: 'telemetry', occupancy: false });
  await home.tell('door', { type: 'telemetry', contact: false });
  await home.pass(7 * MINUTE);
  await home.tell('door', { type: 'telemetry', contact: true });
  for (const temperature of [-19, -16, -18])
    await home.tell('freezer', { type: 'telemetry', temperature });
  const to = clock.now() + 1;
  await using later = await today(day);
  const explanation = await explainRule(later.engine, 'h1', 'night-light', { from, to });
  expect(explanation.near).toMatchObject([
    { trigger: 0, twin: 'hall-motion', times: 1, value: false },
    { trigger: 1, twin: 'door', heldMs: 7 * MINUTE },
    { trigger: 2, twin: 'freezer', times: 3, value: -16 },
  ]);
  const told = tellExplanation(explanation, 'en', 'UTC');
  expect(told).toMatch(
    /^"night-light" did not run in this time\. The twins that it watches changed \d+ times\./,
  );
  expect(told).toContain(
    'Trigger 2 did not fire: it held for 7m only (door, 05/01/2026, 00:07:00).',
  );
  expect(told).toContain('Trigger 3 did not fire: reported.temperature is -16, the limit is -15');
  expect(tellExplanation(explanation, 'de', 'UTC')).toContain(
    'Auslöser 2 löste nicht aus: hielt nur 7m',
  );
});

it('says that nothing happened, that it was disabled, or not defined', async () => {
  const day = await yesterday();
  const { clock } = day;
  const quiet = { from: clock.now() + 1, to: clock.now() + 2 };
  await using later = await today(day);
  const tell = async (span: { from: number; to: number }) =>
    tellExplanation(await explainRule(later.engine, 'h1', 'night-light', span), 'en', 'UTC');
  expect(await tell(quiet)).toContain(
    'did nothing in this time, as none of the twins that it watches changed.',
  );
  const from = clock.now();
  await later.tell('night-light', { type: 'desired.changed', enabled: false }, 'rule');
  expect(await tell({ from, to: clock.now() + 1 })).toBe('"night-light" is disabled.');
  await later.bench.engine.createTwin(
    { home: 'h1', twin: 'empty', kind: 'rule' },
    { principal: 'a', source: 'rest' },
  );
  const empty = await explainRule(later.engine, 'h1', 'empty', quiet);
  expect(tellExplanation(empty, 'en', 'UTC')).toBe('"empty" has no definition.');
});

describe('a run that waits and looks', () => {
  const told = async (runs: number, language: 'en' | 'de') => {
    await using home = await startRules();
    const from = home.bench.clock.now();
    await home.define(`
rule: cellar
triggers: [{ twin: pump, path: reported.power, above: 100 }]
actions:
  - wait: { for: { twin: pump, path: reported.power, below: 100 }, timeout: 1m }
  - if: vars.wait == null
    then: [{ alert: { key: stuck, severity: warning, message: it runs on } }]
`);
    for (let run = 0; run < runs; run++) {
      await home.tell('pump', { type: 'telemetry', power: 50 });
      await home.tell('pump', { type: 'telemetry', power: 150 });
      await home.pass(MINUTE);
    }
    const span = { from, to: home.bench.clock.now() + 1 };
    const explanation = await explainRule(home.bench.engine, 'h1', 'cellar', span);
    return tellExplanation(explanation, language, 'UTC');
  };

  it('is told to its end, with what it saw', async () => {
    expect(await told(1, 'en')).toMatch(
      /It waits: for an event or a condition\. It went on at 05\/01\/2026, 00:01:00\. It checked: vars\.wait == null was true\. It did: alert .*\. The run finished\.$/,
    );
    expect(await told(1, 'de')).toMatch(
      /Weiter ging es um 05\.01\.26, 00:01:00\. Geprüft: vars\.wait == null war wahr\. Getan: alert .*\. Der Lauf kam zu seinem Ende\.$/,
    );
  });

  it('is told for the last 20 turns, and how many there were before', async () => {
    const text = await told(12, 'en');
    expect(text).toContain('What it did before (4 times) is left out.');
    expect(text.match(/ ran at /g)).toHaveLength(10);
  });
});
