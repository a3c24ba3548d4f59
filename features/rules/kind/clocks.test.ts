import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../engine/model/manual-clock.ts';
import { openSqlite } from '../../../engine/storage/sqlite/open.ts';
import { type RuleBench, startRules } from '../testing/rule-bench.ts';

const HOUR = 3_600_000;
const BERLIN = { type: 'settings.changed', latitude: 52.5, longitude: 13.4 };

/** Sets out when there is motion, and counts its way on. */
const waiting = (wait: string) => `
rule: waits
mode: restart
triggers: [{ twin: motion, path: reported.occupancy, to: true }]
actions:
  - wait: ${wait}
  - set: { twin: lamp, desired: { on: "\${vars.wait != null}" } }
`;

async function until(home: RuleBench, moment: string): Promise<void> {
  await home.pass(Date.parse(moment) - home.bench.clock.now());
}

async function setOut(home: RuleBench, wait: string): Promise<void> {
  await home.tell('lamp', { type: 'telemetry' }, 'relay');
  await home.define(waiting(wait));
  await home.tell('motion', { type: 'telemetry', occupancy: true });
}

async function timersOf(home: RuleBench): Promise<string[]> {
  const reading = await home.bench.engine.readTwin({ home: 'h1', twin: 'waits' });
  return reading?.row.state.timers.map(({ id }) => id) ?? [];
}

describe('a wait for a clock', () => {
  it.each([
    ['a time of day', '{ for: { at: ["22:00", "23:00"] } }', '2026-01-05T21:00:00Z'],
    ['a cron expression', '{ for: { cron: "30 6 * * *" } }', '2026-01-06T05:30:00Z'],
    ['an interval', '{ for: { every: 90m } }', '2026-01-05T13:30:00Z'],
    ['the sun', '{ for: { sun: sunset, offset: 30m } }', '2026-01-05T15:38:00Z'],
  ])('goes on at %s, once', async (_what, wait, moment) => {
    await using home = await startRules();
    await until(home, '2026-01-05T12:00:00Z');
    await home.tell('home', BERLIN, 'home');
    await setOut(home, wait);
    await until(home, new Date(Date.parse(moment) - 60_000).toISOString());
    expect(await home.desired('lamp')).toEqual({});
    await until(home, new Date(Date.parse(moment) + 60_000).toISOString());
    expect(await home.desired('lamp')).toEqual({ on: true });
    expect(await timersOf(home)).toEqual([]);
    await home.pass(48 * HOUR);
    expect(await home.reported('waits')).toMatchObject({ runs: 1, lastOutcome: 'finished' });
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'waits' })).toMatchObject({
      ok: true,
    });
  });

  it('ends with whatever comes first, which leaves no clock behind', async () => {
    await using home = await startRules();
    await until(home, '2026-01-05T12:00:00Z');
    const either = '{ for: [{ at: "22:00" }, { twin: door, path: reported.contact, to: true }]';
    await setOut(home, `${either}, timeout: 4h }`);
    expect(await timersOf(home)).toHaveLength(2);
    await home.tell('door', { type: 'telemetry', contact: true });
    expect(await home.desired('lamp')).toEqual({ on: true });
    expect(await timersOf(home)).toEqual([]);
    await home.tell('motion', { type: 'telemetry', occupancy: false });
    await home.tell('motion', { type: 'telemetry', occupancy: true });
    await home.pass(4 * HOUR);
    expect(await home.desired('lamp')).toEqual({ on: false });
    expect(await timersOf(home)).toEqual([]);
  });

  it('forgets it when its run is ended', async () => {
    await using home = await startRules();
    await setOut(home, '{ for: [{ at: ["22:00", "23:00"] }, { every: 2h }] }');
    expect(await timersOf(home)).toHaveLength(3);
    await home.tell('waits', { type: 'desired.changed', enabled: false }, 'rule');
    expect(await timersOf(home)).toEqual([]);
  });

  it('goes by the new timezone of a home that moves', async () => {
    await using home = await startRules();
    await until(home, '2026-01-05T12:00:00Z');
    await setOut(home, '{ for: { at: "22:00" } }');
    const by = { principal: 'ada', source: 'rest' };
    await home.bench.engine.updateHome('h1', { timezone: 'Europe/London' }, by);
    await until(home, '2026-01-05T21:59:00Z');
    expect(await home.desired('lamp')).toEqual({});
    await until(home, '2026-01-05T22:00:00Z');
    expect(await home.desired('lamp')).toEqual({ on: true });
  });

  it('passes over a sunset that it hears of too late, and waits for the next', async () => {
    const clock = new ManualClock(Date.parse('2026-01-05T12:00:00Z'));
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    {
      await using home = await startRules({ storage, clock });
      await home.tell('home', BERLIN, 'home');
      await setOut(home, '{ for: { sun: sunset, skipIfLaterThan: 1h } }');
    }
    clock.jump(Date.parse('2026-01-05T20:00:00Z'));
    await using home = await startRules({ storage, clock });
    await home.bench.engine.idle();
    expect(await home.desired('lamp')).toEqual({});
    await until(home, '2026-01-06T15:15:00Z');
    expect(await home.desired('lamp')).toEqual({ on: true });
  });
});

describe('a rule that the sun sets off', () => {
  it('comes the next day too when one sunset was heard of too late', async () => {
    const clock = new ManualClock(Date.parse('2026-01-05T12:00:00Z'));
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 10 });
    {
      await using home = await startRules({ storage, clock });
      await home.tell('home', BERLIN, 'home');
      await home.tell('lamp', { type: 'telemetry' }, 'relay');
      await home.define(`
rule: dusk
triggers: [{ sun: sunset, skipIfLaterThan: 1h }]
actions: [{ set: { twin: lamp, desired: { on: true } } }]
`);
    }
    clock.jump(Date.parse('2026-01-05T20:00:00Z'));
    await using home = await startRules({ storage, clock });
    await home.bench.engine.idle();
    expect(await home.reported('dusk')).toMatchObject({ runs: 0 });
    await until(home, '2026-01-06T15:15:00Z');
    expect(await home.reported('dusk')).toMatchObject({ runs: 1 });
    await until(home, '2026-01-07T15:20:00Z');
    expect(await home.reported('dusk')).toMatchObject({ runs: 2 });
  });
});
