import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { LoadedTwin } from '../../engine/model/rows.ts';
import { revive } from '../../engine/turn/live-twin.ts';
import { relay } from './relay.ts';

const MINUTE = 60_000;
const switchTo = (on: boolean) => ({ name: 'switch', args: { on } });

function relayThatIs(on: boolean): TwinBench {
  const bench = new TwinBench(relay);
  bench.send({ type: 'settings.changed', silenceMs: 86_400_000 });
  bench.send({ type: 'telemetry', on });
  return bench;
}

describe('switching', () => {
  it('sends the wish once and is confirmed by the report', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'desired.changed', on: true });
    bench.send({ type: 'desired.changed', on: true });
    expect(bench.commands).toEqual([switchTo(true)]);
    bench.send({ type: 'telemetry', on: true, power: 60 });
    expect([...bench.intents.values()].map(({ status }) => status)).toEqual(['confirmed']);
    expect(bench.state).toMatchObject({ power: 'on', position: 'settled' });
    expect(bench.reported).toEqual({ on: true, power: 60 });
    expect(bench.desired).toEqual({ on: true });
  });

  it('toggles, and a second toggle takes the first one back', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'toggle' });
    bench.send({ type: 'toggle' });
    expect(bench.commands).toEqual([switchTo(true), switchTo(false)]);
    expect(bench.desired).toEqual({ on: false });
  });

  it('follows the button on the device', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'telemetry', on: true });
    expect(bench.desired).toEqual({ on: true });
    bench.send({ type: 'toggle' });
    expect(bench.commands).toEqual([switchTo(false)]);
  });

  it('raises not-responding when nobody confirms, and clears it with a report that matches', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'desired.changed', on: true });
    bench.advance(MINUTE);
    expect(bench.activeAlerts).toEqual(['not-responding']);
    expect(bench.commands).toHaveLength(1);
    bench.send({ type: 'telemetry', on: false });
    expect(bench.commands).toEqual([switchTo(true), switchTo(true)]);
    bench.send({ type: 'telemetry', on: true });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('raises not-responding when the device refuses, and does not insist', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'desired.changed', on: true });
    bench.ack('switch', false, 'locked');
    expect([...bench.alerts.values()].map(({ message }) => message)).toEqual([
      'command "switch" was refused: locked',
    ]);
    bench.send({ type: 'telemetry', on: false });
    expect(bench.commands).toHaveLength(1);
  });

  it('is switched again when it comes back in the other position', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'desired.changed', on: true });
    bench.send({ type: 'telemetry', on: true });
    bench.send({ type: 'status', online: false });
    expect(bench.activeAlerts).toEqual(['offline']);
    bench.send({ type: 'telemetry', on: false });
    expect(bench.activeAlerts).toEqual([]);
    expect(bench.commands).toEqual([switchTo(true), switchTo(true)]);
    expect(bench.desired).toEqual({ on: true });
  });

  it('wants nothing after null', () => {
    const bench = relayThatIs(false);
    bench.send({ type: 'desired.changed', on: false });
    bench.send({ type: 'desired.changed', on: null });
    expect(bench.desired).toEqual({});
    expect(bench.commands).toEqual([]);
  });

  it('is offline after 3 minutes of silence', () => {
    const bench = new TwinBench(relay);
    bench.send({ type: 'telemetry', on: false });
    bench.advance(3 * MINUTE);
    expect(bench.activeAlerts).toEqual(['offline']);
  });
});

describe('automatic off', () => {
  function limited(): TwinBench {
    const bench = relayThatIs(false);
    bench.send({ type: 'settings.changed', autoOffMs: 10 * MINUTE });
    bench.send({ type: 'desired.changed', on: true });
    bench.send({ type: 'telemetry', on: true });
    return bench;
  }

  it('switches off after its time', () => {
    const bench = limited();
    bench.advance(10 * MINUTE - 1);
    expect(bench.commands).toEqual([switchTo(true)]);
    bench.advance(1);
    expect(bench.commands).toEqual([switchTo(true), switchTo(false)]);
    expect(bench.desired).toEqual({ on: false });
    bench.send({ type: 'telemetry', on: false });
    bench.advance(60 * MINUTE);
    expect(bench.commands).toHaveLength(2);
  });

  it('runs again from each switch-on, and not from mere reports', () => {
    const bench = limited();
    bench.advance(8 * MINUTE);
    bench.send({ type: 'telemetry', on: true, power: 40 });
    bench.send({ type: 'desired.changed', on: true });
    bench.advance(8 * MINUTE);
    bench.send({ type: 'telemetry', on: true, power: 41 });
    expect(bench.commands).toHaveLength(1);
    bench.advance(2 * MINUTE);
    expect(bench.commands.at(-1)).toEqual(switchTo(false));
  });

  it('runs when the button on the device switched it on', () => {
    const bench = limited();
    bench.send({ type: 'telemetry', on: false });
    bench.send({ type: 'telemetry', on: true });
    bench.advance(10 * MINUTE);
    expect(bench.commands.at(-1)).toEqual(switchTo(false));
  });

  it('is given up when it is switched off before', () => {
    const bench = limited();
    bench.send({ type: 'telemetry', on: false });
    bench.advance(60 * MINUTE);
    expect(bench.commands).toEqual([switchTo(true)]);
  });

  it('survives a restart, and comes late rather than never', () => {
    const bench = limited();
    const { kindOf: _k, snapshot: _s, view: _v, ...row } = bench.twin;
    bench.twin = revive(relay, JSON.parse(JSON.stringify(row)) as LoadedTwin, 0);
    bench.sleep(8 * 60 * MINUTE);
    bench.wake();
    expect(bench.commands.at(-1)).toEqual(switchTo(false));
  });

  it('can be set, changed and removed while it is on', () => {
    const bench = relayThatIs(true);
    bench.advance(60 * MINUTE);
    bench.send({ type: 'settings.changed', autoOffMs: 10 * MINUTE });
    bench.send({ type: 'settings.changed', autoOffMs: 20 * MINUTE });
    bench.advance(15 * MINUTE);
    expect(bench.commands).toEqual([]);
    bench.send({ type: 'settings.changed', autoOffMs: null });
    expect(bench.settings).not.toHaveProperty('autoOffMs');
    bench.advance(60 * MINUTE);
    expect(bench.commands).toEqual([]);
  });
});

describe('load', () => {
  it('is an overload above the limit, until 10 % below it', () => {
    const bench = relayThatIs(true);
    bench.send({ type: 'settings.changed', overloadWatts: 1_000 });
    const alertsAt = (power: number) => {
      bench.send({ type: 'telemetry', power });
      return bench.activeAlerts;
    };
    expect(alertsAt(1_000)).toEqual([]);
    expect(alertsAt(1_001)).toEqual(['overload']);
    expect(alertsAt(900)).toEqual(['overload']);
    expect(alertsAt(899)).toEqual([]);
    expect([...bench.alerts.values()]).toMatchObject([{ severity: 'critical', status: 'cleared' }]);
  });

  it('keeps power, voltage, current and energy', () => {
    const bench = new TwinBench(relay);
    const values = { on: true, power: 230, voltage: 230, current: 1, energy: 12.5 };
    bench.send({ type: 'telemetry', ...values });
    expect(bench.reported).toEqual(values);
    expect(Object.keys(bench.twin.state.buckets)).toEqual([
      'power',
      'voltage',
      'current',
      'energy',
    ]);
  });
});
