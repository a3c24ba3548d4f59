import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { Context } from './context.ts';
import { sensor } from './sensor.ts';

const MINUTE = 60_000;
const inRoom = () => new TwinBench(sensor, { room: 'hall', relations: { room: ['hall'] } });
const events = (bench: TwinBench) =>
  bench.told.map(({ event }) => event).filter(({ type }) => type !== 'member.joined');

describe('measurements', () => {
  it('are kept with their history', () => {
    const bench = new TwinBench(sensor);
    const values = {
      temperature: 21,
      humidity: 40,
      pressure: 1013,
      co2: 600,
      batteryMillivolts: 2900,
    };
    bench.send({ type: 'telemetry', ...values });
    expect(bench.reported).toEqual(values);
    expect(Object.keys(bench.twin.state.buckets).sort()).toEqual(Object.keys(values).sort());
  });

  it('have further names with units by setting; other fields are ignored', () => {
    const bench = new TwinBench(sensor);
    bench.send({ type: 'settings.changed', measurements: { flow: 'l/min' } });
    bench.send({ type: 'telemetry', flow: 3.5, chatter: 'x', other: 1 });
    bench.send({ type: 'telemetry', flow: 'fast' });
    expect(bench.reported).toEqual({ flow: 3.5 });
    expect(Object.keys(bench.twin.state.buckets)).toEqual(['flow']);
    const names = sensor.measurements;
    expect(
      typeof names === 'function' && names(bench.twin.snapshot.context as Context),
    ).toMatchObject({
      flow: { unit: 'l/min' },
      temperature: { unit: '°C' },
    });
  });

  it('may be called what every object has', () => {
    const bench = new TwinBench(sensor);
    bench.send({ type: 'settings.changed', measurements: { constructor: 'x' } });
    bench.send({ type: 'telemetry', constructor: 1 });
    bench.send({ type: 'telemetry', constructor: 3 });
    expect(bench.reported).toEqual({ constructor: 3 });
    expect(bench.twin.state.buckets.constructor).toMatchObject({ count: 2, sum: 4, min: 1 });
    bench.send({ type: 'settings.changed', limits: { toString: { max: 1 } } });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('are refused when they cannot be', () => {
    const bench = new TwinBench(sensor);
    expect(() => bench.send({ type: 'telemetry', humidity: 140 })).toThrow('humidity');
    expect(() => bench.send({ type: 'settings.changed', measurements: { 'a b': 'x' } })).toThrow();
    for (const name of ['at', 'folded']) {
      const measurements = { [name]: 'ms' };
      expect(() => bench.send({ type: 'settings.changed', measurements })).toThrow('called');
    }
  });
});

describe('limits', () => {
  function limited(): TwinBench {
    const bench = new TwinBench(sensor);
    bench.send({
      type: 'settings.changed',
      limits: { temperature: { min: 2, max: 8, hysteresis: 0.5 }, co2: { max: 1_000 } },
    });
    return bench;
  }
  const alertsAt = (bench: TwinBench, values: { temperature?: number; co2?: number }) => {
    bench.send({ type: 'telemetry', ...values });
    return bench.activeAlerts;
  };

  it('raise an alert each, and clear it with hysteresis', () => {
    const bench = limited();
    expect(alertsAt(bench, { temperature: 8 })).toEqual([]);
    expect(alertsAt(bench, { temperature: 8.1 })).toEqual(['limit:temperature']);
    expect(alertsAt(bench, { temperature: 7.6, co2: 1_200 })).toEqual([
      'limit:temperature',
      'limit:co2',
    ]);
    expect(alertsAt(bench, { temperature: 7.5 })).toEqual(['limit:co2']);
    expect(alertsAt(bench, { co2: 1_000 })).toEqual([]);
    expect(alertsAt(bench, { temperature: 1.9 })).toEqual(['limit:temperature']);
    expect(alertsAt(bench, { temperature: 2.4 })).toEqual(['limit:temperature']);
    expect(alertsAt(bench, { temperature: 2.5 })).toEqual([]);
  });

  it('say nothing while a value stays beyond', () => {
    const bench = limited();
    alertsAt(bench, { co2: 1_100 });
    const { length } = bench.effects;
    alertsAt(bench, { co2: 1_200 });
    expect(bench.effects).toHaveLength(length);
  });

  it('hold for what was reported before they were set, and let go when they are removed', () => {
    const bench = new TwinBench(sensor);
    alertsAt(bench, { co2: 1_500 });
    bench.send({ type: 'settings.changed', limits: { co2: { max: 1_000 } } });
    expect(bench.activeAlerts).toEqual(['limit:co2']);
    bench.send({ type: 'settings.changed', limits: null });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('are refused without a bound or upside down', () => {
    const bench = new TwinBench(sensor);
    for (const bad of [{}, { min: 3, max: 2 }, { max: 'x' }]) {
      expect(() => bench.send({ type: 'settings.changed', limits: { co2: bad } })).toThrow(
        'limits',
      );
    }
  });
});

describe('what it tells its room', () => {
  it('is each temperature and humidity', () => {
    const bench = inRoom();
    bench.send({ type: 'telemetry', temperature: 20, co2: 500 });
    bench.send({ type: 'telemetry', co2: 500 });
    expect(events(bench)).toEqual([
      { type: 'member.report', member: 't1', temperature: 20, measuredAt: bench.now },
    ]);
  });

  it('is an opening and a closing, once each', () => {
    const bench = inRoom();
    for (const contact of [true, true, false, false, true])
      bench.send({ type: 'telemetry', contact });
    expect(events(bench)).toEqual([
      { type: 'member.window', member: 't1', open: false },
      { type: 'member.window', member: 't1', open: true },
      { type: 'member.window', member: 't1', open: false },
    ]);
  });

  it('is smoke, with a critical alert of its own', () => {
    const bench = inRoom();
    bench.send({ type: 'telemetry', smoke: false });
    bench.send({ type: 'telemetry', smoke: true });
    expect([...bench.alerts.values()]).toMatchObject([{ key: 'smoke', severity: 'critical' }]);
    bench.send({ type: 'telemetry', smoke: false });
    expect(bench.activeAlerts).toEqual([]);
    expect(events(bench)).toEqual([
      { type: 'smoke', member: 't1', smoke: true },
      { type: 'smoke', member: 't1', smoke: false },
    ]);
  });

  it('is what matters, when it comes into a room', () => {
    const bench = inRoom();
    bench.send({ type: 'room.welcome', paused: false }, { source: 'h1/hall' });
    expect(events(bench)).toEqual([]);
    bench.send({ type: 'telemetry', contact: false });
    bench.send({ type: 'room.welcome', paused: false }, { source: 'h1/hall' });
    expect(events(bench)).toHaveLength(2);
  });
});

describe('alerts', () => {
  it('is offline after silence and by its Last Will', () => {
    const bench = new TwinBench(sensor);
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.advance(3 * MINUTE);
    expect(bench.activeAlerts).toEqual(['offline']);
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.send({ type: 'status', online: false });
    expect(bench.activeAlerts).toEqual(['offline']);
  });

  it('are raised for water and a low battery', () => {
    const bench = new TwinBench(sensor);
    bench.send({ type: 'telemetry', waterLeak: true, batteryPercent: 9 });
    expect(bench.activeAlerts.sort()).toEqual(['low-battery', 'water-leak']);
    bench.send({ type: 'telemetry', waterLeak: false, batteryPercent: 90 });
    expect(bench.activeAlerts).toEqual([]);
  });
});
