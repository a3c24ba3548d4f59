import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import { sensor } from '../sensor/sensor.ts';
import { thermostat } from '../thermostat/thermostat.ts';
import { room } from './room.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const fromMember = { source: 'h1/a' };
const at = (iso: string) => Date.parse(iso);

function roomOfTwo(given: { now?: number; timezone?: string } = {}): TwinBench {
  return new TwinBench(room, { twin: 'living', relations: { members: ['a', 'b'] }, ...given });
}
const report = (bench: TwinBench, member: string, temperature: number, more: object = {}) =>
  bench.send(
    { type: 'member.report', member, temperature, measuredAt: bench.now, ...more },
    fromMember,
  );
/** What the members were told, once each. */
const told = (bench: TwinBench) =>
  bench.effects.flatMap((effect) => (effect.type === 'tell' ? [effect.event] : []));
const targets = (bench: TwinBench) =>
  told(bench).flatMap((event) => (event.type === 'room.target' ? [event.targetTemperature] : []));
const point = (weekday: number, time: string, targetTemperature: number) => ({
  weekday,
  time,
  targetTemperature,
});
const everyDay = (time: string, targetTemperature: number) =>
  [1, 2, 3, 4, 5, 6, 7].map((weekday) => point(weekday, time, targetTemperature));

describe('climate', () => {
  it('is the mean of what the members measure', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20, { humidity: 40 });
    report(bench, 'b', 21.5);
    expect(bench.reported).toMatchObject({ temperature: 20.75, humidity: 40 });
    expect(bench.state).toMatchObject({ climate: 'known' });
  });

  it('forgets a reading after 15 minutes though nobody reports', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20);
    bench.advance(10 * MINUTE);
    report(bench, 'b', 22);
    bench.advance(5 * MINUTE - 1);
    expect(bench.reported).toMatchObject({ temperature: 21 });
    bench.advance(1);
    expect(bench.reported).toMatchObject({ temperature: 22 });
    bench.advance(10 * MINUTE);
    expect(bench.reported).not.toHaveProperty('temperature');
    expect(bench.state).toMatchObject({ climate: 'unknown' });
  });

  it('forgets each quantity by its own age', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20, { humidity: 40 });
    bench.advance(10 * MINUTE);
    report(bench, 'a', 21);
    bench.advance(5 * MINUTE);
    expect(bench.reported).toMatchObject({ temperature: 21 });
    expect(bench.reported).not.toHaveProperty('humidity');
  });

  it('goes by the time of measuring, not of telling', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 30, { measuredAt: bench.now - HOUR });
    expect(bench.reported).not.toHaveProperty('temperature');
  });

  it('obeys a new freshness at once', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20);
    bench.advance(5 * MINUTE);
    bench.send({ type: 'settings.changed', freshnessMs: 6 * MINUTE });
    expect(bench.reported).toMatchObject({ temperature: 20 });
    bench.advance(MINUTE);
    expect(bench.reported).not.toHaveProperty('temperature');
  });

  it('leaves out a member that has left', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20);
    report(bench, 'b', 22);
    bench.send({ type: 'member.left', member: 'a', kind: 'sensor' }, fromMember);
    expect(bench.reported).toMatchObject({ temperature: 22 });
  });

  it('is stale after a night in which nobody looked', () => {
    const bench = roomOfTwo();
    report(bench, 'a', 20);
    bench.sleep(9 * HOUR);
    bench.wake();
    expect(bench.reported).not.toHaveProperty('temperature');
  });
});

describe('target and modes', () => {
  it('tells its members what is wanted, once', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    expect(bench.told).toEqual([
      { to: 'a', event: { type: 'room.target', targetTemperature: 21 } },
      { to: 'b', event: { type: 'room.target', targetTemperature: 21 } },
    ]);
  });

  it('sets back while away, protects from frost when off, and returns', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'away' });
    bench.send({ type: 'settings.changed', awayTemperature: 14 });
    bench.send({ type: 'desired.changed', mode: 'off' });
    bench.send({ type: 'auto' });
    expect(targets(bench)).toEqual([21, 16, 14, 5, 21]);
    expect(bench.desired).toEqual({ mode: 'auto', targetTemperature: 21 });
  });

  it('returns to comfort when nobody has said what is wanted', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'off' });
    bench.send({ type: 'desired.changed', mode: null });
    expect(targets(bench)).toEqual([5, 20]);
  });

  it('leaves the members alone once nothing is wanted any more', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'desired.changed', targetTemperature: null });
    expect(targets(bench)).toEqual([21]);
    expect(bench.desired).toEqual({ mode: 'auto' });
  });

  it('refuses an unknown mode and a target out of range', () => {
    const bench = roomOfTwo();
    expect(() => bench.send({ type: 'desired.changed', mode: 'party' })).toThrow('mode');
    expect(() => bench.send({ type: 'desired.changed', targetTemperature: 31 })).toThrow();
  });

  it('tells a newcomer how things stand, and takes leave', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'member.joined', member: 'c', kind: 'thermostat' }, fromMember);
    bench.send({ type: 'member.left', member: 'c', kind: 'thermostat' }, fromMember);
    expect(bench.told.slice(-2)).toEqual([
      { to: 'c', event: { type: 'room.welcome', targetTemperature: 21, paused: false } },
      { to: 'c', event: { type: 'room.farewell' } },
    ]);
  });
});

describe('programme', () => {
  const daily = [...everyDay('06:00', 21), ...everyDay('22:00', 17)];
  // Monday 5 January, 13:00 in Berlin
  function programmed(timezone = 'Europe/Berlin'): TwinBench {
    const bench = roomOfTwo({ now: at('2026-01-05T12:00:00Z'), timezone });
    bench.send({ type: 'settings.changed', programme: daily });
    return bench;
  }

  it('applies at once, and at each of its points in the time of the home', () => {
    const bench = programmed();
    expect(targets(bench)).toEqual([21]);
    bench.advance(9 * HOUR - 1);
    expect(targets(bench)).toEqual([21]);
    bench.advance(1);
    expect(targets(bench)).toEqual([21, 17]);
    bench.advance(8 * HOUR);
    expect(targets(bench)).toEqual([21, 17, 21]);
  });

  it('distinguishes the days of the week, and wraps from Sunday to Monday', () => {
    const bench = roomOfTwo({ now: at('2026-01-05T12:00:00Z') });
    const programme = [point(1, '14:00', 20), point(6, '09:00', 22), point(7, '20:00', 18)];
    bench.send({ type: 'settings.changed', programme });
    expect(targets(bench)).toEqual([18]);
    bench.advance(7 * 24 * HOUR);
    expect(targets(bench)).toEqual([18, 20, 22, 18]);
  });

  it('needs one timer a time of day', () => {
    expect(programmed().twin.state.timers.map(({ id }) => id)).toEqual([
      'programme:06:00',
      'programme:22:00',
    ]);
  });

  it('gives way to a person until the next point', () => {
    const bench = programmed();
    bench.send({ type: 'desired.changed', targetTemperature: 24 });
    expect(bench.state).toMatchObject({ target: 'manual' });
    bench.advance(8 * HOUR);
    expect(targets(bench)).toEqual([21, 24]);
    bench.advance(HOUR);
    expect(targets(bench)).toEqual([21, 24, 17]);
    expect(bench.state).toMatchObject({ target: 'programmed' });
  });

  it('is back at once when the person takes the wish back', () => {
    const bench = programmed();
    bench.send({ type: 'desired.changed', targetTemperature: 24 });
    bench.send({ type: 'desired.changed', targetTemperature: null });
    expect(targets(bench)).toEqual([21, 24, 21]);
  });

  it('goes on unseen while everybody is away', () => {
    const bench = programmed();
    bench.send({ type: 'away' });
    bench.advance(10 * HOUR);
    expect(targets(bench)).toEqual([21, 16]);
    bench.send({ type: 'auto' });
    expect(targets(bench)).toEqual([21, 16, 17]);
  });

  it('moves with the home to another timezone', () => {
    const bench = programmed();
    bench.send({ type: 'home.changed', timezone: 'Asia/Tokyo' }, { source: 'engine' });
    // 21:00 in Tokyo
    bench.advance(HOUR);
    expect(targets(bench)).toEqual([21, 17]);
  });

  it('ends with its timers when it is removed', () => {
    const bench = programmed();
    bench.send({ type: 'settings.changed', programme: null });
    expect(bench.twin.state.timers).toEqual([]);
    expect(bench.state).toMatchObject({ target: 'free' });
    expect(bench.desired).toEqual({ mode: 'auto' });
  });

  it('is right after an outage of days, in one step', () => {
    const bench = programmed();
    // down until Thursday 07:00 in Berlin
    bench.sleep(at('2026-01-08T06:00:00Z') - bench.now);
    bench.wake();
    expect(bench.desired).toMatchObject({ targetTemperature: 21 });
    bench.sleep(16 * HOUR);
    bench.wake();
    expect(targets(bench)).toEqual([21, 17]);
  });

  it('is right after an outage of more than a week, whichever timer comes first', () => {
    const bench = programmed();
    // Tuesday of the week after, 07:00
    bench.sleep(at('2026-01-13T06:00:00Z') - bench.now);
    bench.wake();
    expect(bench.desired).toMatchObject({ targetTemperature: 21 });
  });

  it('keeps a point that the clock skips in spring', () => {
    // Sunday 29 March 2026: 02:00 → 03:00 in Berlin
    const bench = roomOfTwo({ now: at('2026-03-29T00:00:00Z') });
    bench.send({
      type: 'settings.changed',
      programme: [point(7, '00:30', 17), point(7, '02:30', 19), point(7, '06:00', 21)],
    });
    bench.advance(HOUR - 1);
    expect(targets(bench)).toEqual([17]);
    bench.advance(HOUR);
    expect(targets(bench)).toEqual([17, 19]);
    bench.advance(at('2026-03-29T04:00:00Z') - bench.now);
    expect(targets(bench)).toEqual([17, 19, 21]);
  });

  it('fires a point once that the clock shows twice in autumn', () => {
    // Sunday 25 October 2026: 03:00 → 02:00 in Berlin, so 02:30 comes at 00:30Z and 01:30Z
    const bench = roomOfTwo({ now: at('2026-10-24T23:30:00Z') });
    bench.send({
      type: 'settings.changed',
      programme: [point(7, '00:30', 17), point(7, '02:30', 19)],
    });
    bench.advance(HOUR - 1);
    expect(targets(bench)).toEqual([17]);
    bench.advance(1);
    expect(targets(bench)).toEqual([17, 19]);
    // a person in between is not overruled by the second 02:30
    bench.send({ type: 'desired.changed', targetTemperature: 23 });
    bench.advance(3 * HOUR);
    expect(targets(bench)).toEqual([17, 19, 23]);
    expect(bench.journal.filter(({ event }) => event.type === 'timer.fired')).toHaveLength(1);
  });

  it.each([
    ['a day that does not exist', [point(8, '06:00', 20)]],
    ['a time that does not exist', [point(1, '24:00', 20)]],
    ['a target out of range', [point(1, '06:00', 40)]],
    ['two points at once', [point(1, '06:00', 20), point(1, '06:00', 21)]],
  ])('refuses %s', (_what, programme) => {
    expect(() => roomOfTwo().send({ type: 'settings.changed', programme })).toThrow('programme');
  });
});

describe('open window', () => {
  const window = (bench: TwinBench, member: string, open: boolean) =>
    bench.send({ type: 'member.window', member, open }, fromMember);
  const heating = (bench: TwinBench) => told(bench).filter(({ type }) => type === 'room.heating');

  it('pauses the heating until the last window is closed', () => {
    const bench = roomOfTwo();
    window(bench, 'a', true);
    window(bench, 'b', true);
    window(bench, 'b', true);
    window(bench, 'a', false);
    expect(bench.state).toMatchObject({ heating: 'paused' });
    window(bench, 'b', false);
    expect(heating(bench)).toEqual([
      { type: 'room.heating', paused: true, reason: 'window' },
      { type: 'room.heating', paused: false, reason: 'none' },
    ]);
  });

  it('says nothing when all windows were closed anyway', () => {
    const bench = roomOfTwo();
    window(bench, 'a', false);
    expect(bench.told).toEqual([]);
  });

  it('is closed when the member that saw it leaves', () => {
    const bench = roomOfTwo();
    window(bench, 'a', true);
    bench.send({ type: 'member.left', member: 'a', kind: 'sensor' }, fromMember);
    expect(bench.state).toMatchObject({ heating: 'allowed' });
  });
});

describe('smoke and fire', () => {
  it('raise a critical alert and stop the heating until the member says all is clear', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'smoke', member: 'a', smoke: true }, fromMember);
    expect([...bench.alerts.values()]).toMatchObject([{ key: 'smoke', severity: 'critical' }]);
    expect(told(bench)).toEqual([{ type: 'room.heating', paused: true, reason: 'alarm' }]);
    bench.send({ type: 'smoke', member: 'a', smoke: false }, fromMember);
    expect(bench.activeAlerts).toEqual([]);
    expect(told(bench).at(-1)).toEqual({ type: 'room.heating', paused: false, reason: 'none' });
  });

  it('can be posted by anybody and are over with a reset', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'smoke' });
    bench.send({ type: 'fire' });
    expect(bench.activeAlerts).toEqual(['smoke', 'fire']);
    bench.send({ type: 'alarm.reset' });
    expect(bench.activeAlerts).toEqual([]);
    expect(bench.state).toMatchObject({ heating: 'allowed' });
  });

  it('outlast the all-clear of one detector while another still sees smoke', () => {
    const bench = roomOfTwo();
    for (const member of ['a', 'b']) bench.send({ type: 'smoke', member }, fromMember);
    bench.send({ type: 'smoke', member: 'a', smoke: false }, fromMember);
    expect(bench.activeAlerts).toEqual(['smoke']);
  });

  it('leave the heating paused for a window that is still open', () => {
    const bench = roomOfTwo();
    bench.send({ type: 'member.window', member: 'a', open: true }, fromMember);
    bench.send({ type: 'fire' });
    bench.send({ type: 'fire', fire: false });
    expect(bench.state).toMatchObject({ heating: 'paused' });
    expect(told(bench).at(-1)).toMatchObject({ paused: true, reason: 'window' });
  });
});

describe('learning', () => {
  it('asks for a new heating curve after every 100 member reports', () => {
    const bench = roomOfTwo();
    const start = bench.now;
    const retrains = () => bench.effects.filter(({ type }) => type === 'retrain');
    for (let n = 0; n < 99; n++) {
      report(bench, 'a', 20);
      bench.advance(MINUTE);
    }
    expect(retrains()).toEqual([]);
    report(bench, 'b', 20);
    expect(retrains()).toMatchObject([
      { model: 'heating-curve', range: { from: start, to: start + 99 * MINUTE } },
    ]);
    bench.advance(MINUTE);
    const second = bench.now;
    for (let n = 0; n < 100; n++) report(bench, 'a', 20);
    expect(retrains()).toHaveLength(2);
    expect(retrains()[1]).toMatchObject({ range: { from: second, to: second } });
    expect(bench.deliveries.filter(({ type }) => type === 'retrain')).toHaveLength(2);
  });
});

describe('with its members', () => {
  it('a contact that opens makes the thermostat pause, and go on when it closes', () => {
    const benches: Record<string, TwinBench> = {
      living: roomOfTwo(),
      a: new TwinBench(thermostat, { twin: 'a', relations: { room: ['living'] } }),
      b: new TwinBench(sensor, { twin: 'b', relations: { room: ['living'] } }),
    };
    const heard = new Map(Object.keys(benches).map((name) => [name, 0]));
    /** Carries what was told until nobody has anything more to say. */
    const carry = () => {
      for (let moved = true; moved; ) {
        moved = false;
        for (const [name, bench] of Object.entries(benches)) {
          for (const { to, event } of bench.told.slice(heard.get(name))) {
            heard.set(name, (heard.get(name) ?? 0) + 1);
            const other = benches[to];
            if (!other || !(event.type in other.twin.kindOf.events)) continue;
            other.send(event, { source: `h1/${name}` });
            moved = true;
          }
        }
      }
    };
    const { living, a, b } = benches;
    living?.send({ type: 'desired.changed', targetTemperature: 21 });
    carry();
    a?.send({ type: 'telemetry', temperature: 20, targetTemperature: 21 });
    b?.send({ type: 'telemetry', contact: false, temperature: 19 });
    carry();
    expect(living?.reported).toMatchObject({ temperature: 19.5, window: true, paused: true });
    a?.send({ type: 'telemetry', targetTemperature: 5 });
    b?.send({ type: 'telemetry', contact: true });
    carry();
    const asked = a?.commands.map(({ args }) => args.targetTemperature);
    expect(asked).toEqual([21, 5, 21]);
  });
});
