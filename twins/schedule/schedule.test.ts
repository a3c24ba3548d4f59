import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { LoadedTwin } from '../../engine/model/rows.ts';
import { revive } from '../../engine/turn/live-twin.ts';
import type { Exception, WeeklyPeriod } from './plan.ts';
import { schedule } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const at = (iso: string) => Date.parse(iso);
/** Monday 5 January 2026, 13:00 in Berlin. */
const MONDAY = at('2026-01-05T12:00:00Z');

type Plan = { weekly?: WeeklyPeriod[]; exceptions?: Exception[] };

function scheduleOf(plan: Plan, now = MONDAY, timezone = 'Europe/Berlin'): TwinBench {
  const bench = new TwinBench(schedule, { now, timezone });
  bench.send({ type: 'settings.changed', ...plan });
  return bench;
}
const weekly = (from: string, to: string, weekdays = EVERY_DAY, value?: string | number) => ({
  weekdays,
  from,
  to,
  ...(value !== undefined && { value }),
});
const isActive = (bench: TwinBench) => bench.reported.active;
const until = (bench: TwinBench, iso: string) => bench.advance(at(iso) - bench.now);
/** When it changed in the time that passed: `ISO on|off`. */
function changes(bench: TwinBench, to: string): string[] {
  const found: string[] = [];
  let before = isActive(bench);
  while (bench.now < at(to)) {
    bench.advance(MINUTE);
    if (isActive(bench) === before) continue;
    before = isActive(bench);
    found.push(`${new Date(bench.now).toISOString().slice(5, 16)} ${before ? 'on' : 'off'}`);
  }
  return found;
}

describe('the week', () => {
  it('is idle without a plan', () => {
    const bench = new TwinBench(schedule);
    expect(bench.state).toBe('idle');
    expect(bench.reported).toEqual({ active: false, value: null });
    expect(bench.desired).toEqual({});
    expect(bench.settings).toEqual({ weekly: [], exceptions: [] });
  });

  it('applies at once, begins at "from" and ends at "to", in the time of the home', () => {
    const bench = scheduleOf({ weekly: [weekly('08:00', '16:30', [1, 2], 'work')] });
    expect(bench.state).toBe('active');
    expect(bench.reported).toEqual({ active: true, value: 'work' });
    expect(changes(bench, '2026-01-12T08:00:00Z')).toEqual([
      '01-05T15:30 off',
      '01-06T07:00 on',
      '01-06T15:30 off',
      '01-12T07:00 on',
    ]);
  });

  it('crosses midnight, and from Sunday to Monday', () => {
    const bench = scheduleOf(
      { weekly: [weekly('22:00', '06:00', [7])] },
      at('2026-01-04T12:00:00Z'),
    );
    expect(changes(bench, '2026-01-06T12:00:00Z')).toEqual(['01-04T21:00 on', '01-05T05:00 off']);
  });

  it('lasts a whole day where it ends when it begins', () => {
    const bench = scheduleOf({ weekly: [weekly('06:00', '06:00', [2])] });
    expect(changes(bench, '2026-01-09T12:00:00Z')).toEqual(['01-06T05:00 on', '01-07T05:00 off']);
    const always = scheduleOf({ weekly: [weekly('00:00', '00:00')] });
    expect(changes(always, '2026-01-09T12:00:00Z')).toEqual([]);
    expect(isActive(always)).toBe(true);
  });

  it('goes from one period to the next without a gap, with another value', () => {
    const bench = scheduleOf({
      weekly: [weekly('12:00', '14:00', EVERY_DAY, 1), weekly('14:00', '15:00', EVERY_DAY, 2)],
    });
    expect(bench.reported.value).toBe(1);
    bench.advance(HOUR);
    expect(bench.reported).toEqual({ active: true, value: 2 });
    bench.advance(HOUR);
    expect(bench.reported).toEqual({ active: false, value: null });
  });

  it('says the value of the first of several periods that overlap', () => {
    const plan = [weekly('12:00', '14:00', [1], 'a'), weekly('13:00', '15:00', [1], 'b')];
    const bench = scheduleOf({ weekly: plan });
    expect(bench.reported.value).toBe('a');
    bench.advance(HOUR);
    expect(bench.reported).toEqual({ active: true, value: 'b' });
  });

  it('needs one timer a time of day, and none when it is removed', () => {
    const bench = scheduleOf({
      weekly: [weekly('22:00', '06:00', [5]), weekly('06:00', '07:00', [1])],
    });
    expect(bench.twin.state.timers.map(({ id, cron }) => [id, cron?.expression])).toEqual([
      ['plan:22:00', '0 22 * * 5'],
      ['plan:06:00', '0 6 * * 1,6'],
      ['plan:07:00', '0 7 * * 1'],
    ]);
    bench.send({ type: 'settings.changed', weekly: null });
    expect(bench.twin.state.timers).toEqual([]);
    expect(bench.state).toBe('idle');
  });

  it('moves with the home to another timezone', () => {
    const bench = scheduleOf({ weekly: [weekly('20:00', '22:00')] });
    expect(isActive(bench)).toBe(false);
    // 21:00 in Tokyo
    bench.send({ type: 'home.changed', timezone: 'Asia/Tokyo' }, { source: 'engine' });
    expect(isActive(bench)).toBe(true);
    bench.advance(HOUR);
    expect(isActive(bench)).toBe(false);
  });

  it('lets nobody outside say that a point has come', () => {
    expect(() => scheduleOf({}).send({ type: 'plan.point' })).toThrow('nobody sends "plan.point"');
  });
});

describe('exceptions', () => {
  const work = [weekly('08:00', '16:00', EVERY_DAY, 'work')];
  const off = { from: '2026-01-06', to: '2026-01-07', periods: [] };

  it('are off all day without periods, on both ends of their days', () => {
    const bench = scheduleOf({ weekly: work, exceptions: [off] });
    expect(changes(bench, '2026-01-08T12:00:00Z')).toEqual(['01-05T15:00 off', '01-08T07:00 on']);
  });

  it('have periods of their own', () => {
    const periods = [{ from: '10:00', to: '11:00', value: true }];
    const bench = scheduleOf({ weekly: work, exceptions: [{ ...off, to: off.from, periods }] });
    until(bench, '2026-01-06T09:30:00Z');
    expect(bench.reported).toEqual({ active: true, value: true });
    expect(changes(bench, '2026-01-07T12:00:00Z')).toEqual(['01-06T10:00 off', '01-07T07:00 on']);
  });

  it('begin afresh: what the week has begun ends at midnight', () => {
    const bench = scheduleOf({ weekly: [weekly('22:00', '06:00')], exceptions: [off] });
    expect(changes(bench, '2026-01-09T00:00:00Z')).toEqual([
      '01-05T21:00 on',
      '01-05T23:00 off',
      '01-08T21:00 on',
    ]);
  });

  it('run over into the next day, within themselves and after', () => {
    const periods = [{ from: '23:00', to: '01:00' }];
    const bench = scheduleOf({ weekly: [], exceptions: [{ ...off, periods }] });
    expect(changes(bench, '2026-01-10T00:00:00Z')).toEqual([
      '01-06T22:00 on',
      '01-07T00:00 off',
      '01-07T22:00 on',
      '01-08T00:00 off',
    ]);
  });

  it('count in their order', () => {
    const on = { ...off, periods: [{ from: '00:00', to: '00:00', value: 'second' }] };
    const day = { from: '2026-01-06', to: '2026-01-06', periods: [{ from: '09:00', to: '10:00' }] };
    const bench = scheduleOf({ exceptions: [day, on] });
    expect(changes(bench, '2026-01-08T12:00:00Z')).toEqual([
      '01-06T08:00 on',
      '01-06T09:00 off',
      '01-06T23:00 on',
      '01-07T23:00 off',
    ]);
  });

  it('go by the date of the home', () => {
    const bench = scheduleOf(
      {
        exceptions: [
          { from: '2026-01-06', to: '2026-01-06', periods: [{ from: '00:00', to: '00:00' }] },
        ],
      },
      MONDAY,
      'America/St_Johns',
    );
    expect(changes(bench, '2026-01-08T12:00:00Z')).toEqual(['01-06T03:30 on', '01-07T03:30 off']);
  });
});

describe('an override', () => {
  it('wins over the plan until it is taken back', () => {
    const bench = scheduleOf({ weekly: [weekly('12:00', '14:00', EVERY_DAY, 7)] });
    bench.send({ type: 'desired.changed', override: 'off' });
    expect(bench.reported).toEqual({ active: false, value: null });
    expect(bench.state).toBe('idle');
    bench.advance(DAY);
    expect(isActive(bench)).toBe(false);
    bench.send({ type: 'desired.changed', override: null });
    expect(bench.reported).toEqual({ active: true, value: 7 });
    expect(bench.desired).toEqual({});
    bench.send({ type: 'desired.changed', override: 'on' });
    bench.advance(2 * HOUR);
    expect(bench.reported).toEqual({ active: true, value: null });
    expect(bench.desired).toEqual({ override: 'on' });
    bench.send({ type: 'desired.changed', override: null });
    expect(bench.state).toBe('idle');
  });

  it('stays when something else is said', () => {
    const bench = scheduleOf({});
    bench.send({ type: 'desired.changed', override: 'on' });
    bench.send({ type: 'desired.changed' });
    bench.send({ type: 'settings.changed', weekly: [weekly('01:00', '02:00')] });
    expect(bench.state).toBe('active');
  });
});

describe('outages', () => {
  const plan = { weekly: [weekly('22:00', '06:00', EVERY_DAY, 'night'), weekly('12:00', '12:30')] };

  it('end with what applies then, whichever timer is found first', () => {
    for (const [wakesAt, active] of [
      ['2026-01-08T04:00:00Z', true],
      ['2026-01-08T06:00:00Z', false],
      ['2026-01-15T11:10:00Z', true],
      ['2026-01-15T11:40:00Z', false],
    ] as const) {
      const bench = scheduleOf(plan);
      bench.sleep(at(wakesAt) - bench.now);
      bench.wake();
      expect([wakesAt, isActive(bench)]).toEqual([wakesAt, active]);
    }
  });

  it('and restarts lose no point that is to come', () => {
    const bench = scheduleOf(plan);
    const { kindOf: _k, snapshot: _s, view: _v, ...row } = bench.twin;
    bench.twin = revive(schedule, JSON.parse(JSON.stringify(row)) as LoadedTwin, 0);
    expect(changes(bench, '2026-01-06T08:00:00Z')).toEqual(['01-05T21:00 on', '01-06T05:00 off']);
  });
});

describe('summer time', () => {
  // Berlin: Sunday 29 March 2026 02:00 → 03:00 (01:00Z), Sunday 25 October 03:00 → 02:00 (01:00Z)
  const SPRING = at('2026-03-28T12:00:00Z');
  const AUTUMN = at('2026-10-24T12:00:00Z');

  it('makes a night an hour shorter in spring and longer in autumn', () => {
    const night = { weekly: [weekly('22:00', '06:00')] };
    expect(changes(scheduleOf(night, SPRING), '2026-03-29T12:00:00Z')).toEqual([
      '03-28T21:00 on',
      '03-29T04:00 off',
    ]);
    expect(changes(scheduleOf(night, AUTUMN), '2026-10-25T12:00:00Z')).toEqual([
      '10-24T20:00 on',
      '10-25T05:00 off',
    ]);
  });

  it('keeps a point that the clock skips, an hour later by the wall clock', () => {
    expect(
      changes(scheduleOf({ weekly: [weekly('02:30', '05:00')] }, SPRING), '2026-03-29T12:00:00Z'),
    ).toEqual(['03-29T01:30 on', '03-29T03:00 off']);
    expect(
      changes(scheduleOf({ weekly: [weekly('01:00', '02:30')] }, SPRING), '2026-03-29T12:00:00Z'),
    ).toEqual(['03-29T00:00 on', '03-29T01:30 off']);
  });

  it('begins and ends once in the hour that the clock shows twice', () => {
    expect(
      changes(scheduleOf({ weekly: [weekly('02:30', '05:00')] }, AUTUMN), '2026-10-25T12:00:00Z'),
    ).toEqual(['10-25T00:30 on', '10-25T04:00 off']);
    expect(
      changes(scheduleOf({ weekly: [weekly('01:00', '02:30')] }, AUTUMN), '2026-10-25T12:00:00Z'),
    ).toEqual(['10-24T23:00 on', '10-25T00:30 off']);
  });

  it('does not bring back in the second of the two hours what has ended in the first', () => {
    for (const [from, to, active] of [
      ['01:00', '02:30', false],
      ['02:30', '05:00', true],
    ] as const) {
      // asleep from before until 02:10 of the second time
      const bench = scheduleOf({ weekly: [weekly(from, to)] }, AUTUMN);
      bench.sleep(at('2026-10-25T01:10:00Z') - bench.now);
      bench.wake();
      expect(isActive(bench)).toBe(active);
      const changed = scheduleOf({ weekly: [weekly(from, to)] }, at('2026-10-25T01:10:00Z'));
      expect(isActive(changed)).toBe(active);
      until(bench, '2026-10-25T12:00:00Z');
      until(changed, '2026-10-25T12:00:00Z');
      expect([isActive(bench), isActive(changed)]).toEqual([false, false]);
    }
  });

  it('knows the eve of the day on which the clock changes', () => {
    const eve = [weekly('22:00', '03:30', [6])];
    expect(changes(scheduleOf({ weekly: eve }, SPRING), '2026-03-29T12:00:00Z')).toEqual([
      '03-28T21:00 on',
      '03-29T01:30 off',
    ]);
    expect(changes(scheduleOf({ weekly: eve }, AUTUMN), '2026-10-25T12:00:00Z')).toEqual([
      '10-24T20:00 on',
      '10-25T02:30 off',
    ]);
  });
});

it.each([
  ['a day that does not exist', { weekly: [weekly('06:00', '07:00', [8])] }],
  ['no day', { weekly: [weekly('06:00', '07:00', [])] }],
  ['a time that does not exist', { weekly: [weekly('06:00', '24:00')] }],
  ['a value that is no scalar', { weekly: [{ ...weekly('06:00', '07:00'), value: { a: 1 } }] }],
  [
    'a date that does not exist',
    { exceptions: [{ from: '2026-02-29', to: '2026-03-01', periods: [] }] },
  ],
  [
    'an end before the beginning',
    { exceptions: [{ from: '2026-02-02', to: '2026-02-01', periods: [] }] },
  ],
  [
    'more than 100 periods',
    { weekly: Array.from({ length: 101 }, () => weekly('06:00', '07:00')) },
  ],
])('refuses %s', (_what, settings) => {
  expect(() => new TwinBench(schedule).send({ type: 'settings.changed', ...settings })).toThrow(
    'settings.changed',
  );
});
