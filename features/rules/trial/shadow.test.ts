import { describe, expect, it } from 'vitest';
import { readRule } from '../rule-definition.ts';
import { startRules } from '../testing/rule-bench.ts';
import { compareDraft } from './shadow.ts';

const MINUTE = 60_000;
const LIVE = `rule: hot
triggers: [{ twin: meter, path: reported.temperature, above: 20 }]
actions:
  - alert: { key: hot, message: hot }
  - set: { twin: fan, desired: { on: true } }
  - delay: 5m
  - set: { twin: fan, desired: { on: false } }`;

/** A home with the rule that is live and a draft of it. */
async function shadowed(draft: string) {
  const home = await startRules();
  const { engine } = home.bench;
  await home.tell('fan', { type: 'telemetry', on: false }, 'relay');
  await home.tell('meter', { type: 'telemetry', temperature: 18 });
  await home.define(LIVE);
  const address = { home: 'h1', twin: 'hot.draft' };
  await engine.createTwin({ ...address, kind: 'rule' }, { principal: 'admin', source: 'rest' });
  const from = home.bench.clock.now();
  const definition = readRule(draft).value as never;
  const event = { type: 'rule.defined', definition, source: draft, draftOf: 'hot' };
  await home.bench.tell('hot.draft', event);
  await home.pass(1);
  return Object.assign(home, {
    measure: async (temperature: number) => {
      await home.tell('meter', { type: 'telemetry', temperature });
      for (let minute = 0; minute < 10; minute++) await home.pass(MINUTE);
    },
    compare: (live: string | null = 'hot') =>
      compareDraft(engine, {
        draft: address,
        live: live === null ? null : { home: 'h1', twin: live },
        span: { from, to: home.bench.clock.now() + 1 },
      }),
  });
}

describe('a draft beside the rule that is live', () => {
  it('does nothing, and says what it would have done more and fewer', async () => {
    await using home = await shadowed(
      LIVE.replace('above: 20', 'above: 25').replace('delay: 5m', 'delay: 2m'),
    );
    for (const temperature of [21, 18, 26, 18]) await home.measure(temperature);
    const fan = await home.bench.storage.readJournal({ home: 'h1', twin: 'fan' }, 0, 100);
    expect(new Set(fan.map(({ source }) => source))).not.toContain('h1/hot.draft');
    const { draft, live, more, fewer } = await home.compare();
    expect([draft.runs, live?.runs]).toEqual([1, 2]);
    expect(more.map(({ type, what }) => `${type} ${what}`)).toEqual(['set fan {"on":false}']);
    expect(fewer.map(({ type, what }) => `${type} ${what}`)).toEqual([
      'alert hot: hot',
      'set fan {"on":true}',
      'set fan {"on":false}',
      'set fan {"on":false}',
    ]);
    const { items } = await home.bench.engine.storage.listAlerts('h1', {}, { limit: 10 });
    expect(items.filter(({ key }) => key === 'hot').map(({ twin }) => twin)).toEqual(['hot']);
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'hot.draft' })).toMatchObject({
      ok: true,
    });
  });

  it('is no different where it is the same', async () => {
    await using home = await shadowed(LIVE);
    for (const temperature of [21, 18, 26, 18]) await home.measure(temperature);
    const { draft, live, more, fewer } = await home.compare();
    expect([draft.runs, live?.runs]).toEqual([2, 2]);
    expect([...more, ...fewer]).toEqual([]);
  });

  it('goes on where it would wait for a command to be confirmed', async () => {
    await using home = await shadowed(
      LIVE.replace(
        '- delay: 5m',
        '- command: { twin: fan, name: switch, args: { on: true }, wait: true }',
      ),
    );
    await home.measure(21);
    const { draft } = await home.compare();
    expect(draft.deeds.map(({ type }) => type)).toEqual(['alert', 'set', 'command', 'set']);
  });

  it('can be on trial before there is a rule', async () => {
    await using home = await shadowed(LIVE);
    await home.measure(21);
    expect(await home.compare(null)).toMatchObject({ live: null, fewer: [], draft: { runs: 1 } });
  });
});
