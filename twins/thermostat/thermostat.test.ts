import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import { thermostat } from './thermostat.ts';

const MINUTE = 60_000;
const inRoom = () => new TwinBench(thermostat, { room: 'living', relations: { room: ['living'] } });
const setTarget = (targetTemperature: number) => ({
  name: 'set-target',
  args: { targetTemperature },
});
const heat = (on: boolean) => ({ name: 'heat', args: { on } });
const told = (bench: TwinBench, type: string) =>
  bench.told.map(({ event }) => event).filter((event) => event.type === type);
const fromRoom = { source: 'h1/living' };

/** A thermostat in touch, that reports what it is asked for. */
function settledAt(targetTemperature: number, bench = new TwinBench(thermostat)): TwinBench {
  bench.send({ type: 'desired.changed', targetTemperature });
  bench.send({ type: 'telemetry', temperature: 20, targetTemperature });
  return bench;
}

function engineRegulated(): TwinBench {
  const bench = new TwinBench(thermostat);
  bench.send({ type: 'settings.changed', regulation: 'engine', silenceMs: 86_400_000 });
  bench.send({ type: 'desired.changed', targetTemperature: 21 });
  return bench;
}

describe('link', () => {
  it('is unknown until the device is first heard', () => {
    const bench = new TwinBench(thermostat);
    expect(bench.state).toMatchObject({ link: 'unknown' });
    bench.advance(60 * MINUTE);
    expect(bench.state).toMatchObject({ link: 'unknown' });
    bench.send({ type: 'telemetry', temperature: 20 });
    expect(bench.state).toMatchObject({ link: 'online' });
  });

  it('is lost by silence of more than 3 minutes, and back with the next message', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.advance(2 * MINUTE);
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.advance(3 * MINUTE - 1);
    expect(bench.activeAlerts).toEqual([]);
    bench.advance(1);
    expect(bench.activeAlerts).toEqual(['offline']);
    bench.send({ type: 'telemetry', temperature: 20 });
    expect(bench.activeAlerts).toEqual([]);
    expect(bench.state).toMatchObject({ link: 'online' });
  });

  it('follows the word of the device and its Last Will', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'status', online: false });
    expect(bench.activeAlerts).toEqual(['offline']);
    bench.send({ type: 'status', online: false });
    expect(bench.alerts.size).toBe(1);
    bench.send({ type: 'status', online: true });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('takes an acknowledgement for a sign of life', () => {
    const bench = settledAt(20);
    bench.advance(MINUTE);
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.advance(MINUTE / 2);
    bench.ack('set-target');
    bench.advance(3 * MINUTE - 1);
    expect(bench.activeAlerts).not.toContain('offline');
  });

  it('measures silence anew when the setting changes', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'settings.changed', silenceMs: 60 * MINUTE });
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.advance(30 * MINUTE);
    expect(bench.activeAlerts).toEqual([]);
    bench.send({ type: 'settings.changed', silenceMs: null });
    bench.advance(3 * MINUTE);
    expect(bench.activeAlerts).toEqual(['offline']);
  });

  it('is found lost after a night in which nobody looked', () => {
    const bench = settledAt(21);
    bench.sleep(10 * 60 * MINUTE);
    expect(bench.activeAlerts).toEqual([]);
    bench.wake();
    expect(bench.activeAlerts).toEqual(['offline']);
  });

  it('keeps one timer however often the device reports', () => {
    const bench = settledAt(21);
    for (let n = 0; n < 20; n++) bench.send({ type: 'telemetry', temperature: 20 });
    expect(bench.twin.state.timers).toHaveLength(1);
  });
});

describe('target', () => {
  it('is sent once and confirmed by the report', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', temperature: 20, targetTemperature: 18 });
    bench.send({ type: 'desired.changed', targetTemperature: 21.5 });
    bench.send({ type: 'desired.changed', targetTemperature: 21.5 });
    expect(bench.commands).toEqual([setTarget(21.5)]);
    expect(bench.state).toMatchObject({ target: 'sent' });
    bench.send({ type: 'telemetry', targetTemperature: 21.5 });
    expect(bench.state).toMatchObject({ target: 'settled' });
    expect([...bench.intents.values()].map(({ status }) => status)).toEqual(['confirmed']);
    expect(bench.desired).toEqual({ targetTemperature: 21.5 });
  });

  it('needs no command when the device shows it already', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', targetTemperature: 21 });
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    expect(bench.commands).toEqual([]);
  });

  it('is 5 to 30 °C in half degrees, and null removes it', () => {
    const bench = settledAt(21);
    for (const targetTemperature of [4.5, 30.5, 20.2, Number.NaN, '21']) {
      expect(() => bench.send({ type: 'desired.changed', targetTemperature })).toThrow(
        'targetTemperature',
      );
    }
    bench.send({ type: 'desired.changed', targetTemperature: null });
    expect(bench.desired).toEqual({});
    expect(bench.state).toMatchObject({ target: 'unset' });
  });

  it('is sent though the device showed it before, while another command may still reach it', () => {
    const bench = settledAt(20);
    bench.send({ type: 'desired.changed', targetTemperature: 25 });
    bench.send({ type: 'desired.changed', targetTemperature: 20 });
    expect(bench.commands).toEqual([setTarget(20), setTarget(25), setTarget(20)]);
  });

  it('replaces a command that is still open', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'desired.changed', targetTemperature: 22 });
    expect(bench.commands).toEqual([setTarget(21), setTarget(22)]);
    expect([...bench.intents.values()].map(({ status }) => status)).toEqual([
      'superseded',
      'pending',
    ]);
    bench.send({ type: 'telemetry', targetTemperature: 22 });
    expect(bench.state).toMatchObject({ target: 'settled', response: 'following' });
  });

  it('raises not-responding when nobody confirms, and tries again with the next report only', () => {
    const bench = settledAt(20);
    bench.send({ type: 'settings.changed', silenceMs: 86_400_000 });
    bench.send({ type: 'desired.changed', targetTemperature: 22 });
    bench.advance(30 * MINUTE);
    expect(bench.activeAlerts).toEqual(['not-responding']);
    expect(bench.commands).toEqual([setTarget(20), setTarget(22)]);
    bench.send({ type: 'telemetry', temperature: 20, targetTemperature: 20 });
    expect(bench.commands).toEqual([setTarget(20), setTarget(22), setTarget(22)]);
    bench.send({ type: 'telemetry', targetTemperature: 22 });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('clears not-responding by a report that matches though the command has expired', () => {
    const bench = settledAt(20);
    bench.send({ type: 'desired.changed', targetTemperature: 22 });
    bench.advance(2 * MINUTE);
    expect(bench.activeAlerts).toEqual(['not-responding']);
    bench.send({ type: 'telemetry', targetTemperature: 22 });
    expect(bench.activeAlerts).toEqual([]);
    expect(bench.commands).toHaveLength(2);
  });

  it('is not sent again and again to a device that refuses it', () => {
    const bench = settledAt(20);
    bench.send({ type: 'desired.changed', targetTemperature: 30 });
    bench.ack('set-target', false, 'out of range');
    expect(bench.activeAlerts).toEqual(['not-responding']);
    bench.send({ type: 'telemetry', targetTemperature: 20 });
    expect(bench.commands).toHaveLength(2);
    bench.send({ type: 'desired.changed', targetTemperature: 25 });
    expect(bench.commands.at(-1)).toEqual(setTarget(25));
    bench.send({ type: 'telemetry', targetTemperature: 25 });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('is sent again when the device is back and shows another', () => {
    const bench = settledAt(20);
    bench.send({ type: 'status', online: false });
    bench.send({ type: 'desired.changed', targetTemperature: 22 });
    bench.advance(2 * MINUTE);
    bench.send({ type: 'status', online: true });
    expect(bench.commands).toEqual([setTarget(20), setTarget(22), setTarget(22)]);
  });

  it('is sent again to a device that comes back with its factory setting', () => {
    const bench = settledAt(22);
    bench.send({ type: 'status', online: false });
    bench.send({ type: 'status', online: true });
    expect(bench.commands).toHaveLength(1);
    bench.send({ type: 'telemetry', targetTemperature: 17 });
    expect(bench.desired).toEqual({ targetTemperature: 22 });
    expect(bench.commands.at(-1)).toEqual(setTarget(22));
    expect(bench.commands).toHaveLength(2);
  });

  it('follows a hand at the device', () => {
    const bench = settledAt(20);
    bench.send({ type: 'telemetry', targetTemperature: 23 });
    expect(bench.desired).toEqual({ targetTemperature: 23 });
    expect(bench.commands).toHaveLength(1);
    expect(bench.state).toMatchObject({ target: 'settled' });
  });

  it('takes a hand at the device into steps that can be wanted', () => {
    const bench = settledAt(20);
    bench.send({ type: 'telemetry', targetTemperature: 20.56 });
    expect(bench.desired).toEqual({ targetTemperature: 20.5 });
    expect(bench.commands).toHaveLength(1);
  });

  it('does not take the first report for a hand at the device', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', targetTemperature: 18 });
    expect(bench.desired).toEqual({});
  });

  it('does not follow a hand while its own command is open', () => {
    const bench = settledAt(20);
    bench.send({ type: 'desired.changed', targetTemperature: 22 });
    bench.send({ type: 'telemetry', targetTemperature: 19 });
    expect(bench.desired).toEqual({ targetTemperature: 22 });
    bench.send({ type: 'telemetry', targetTemperature: 22 });
    expect(bench.state).toMatchObject({ target: 'settled' });
  });
});

describe('regulation by the engine', () => {
  it('heats below and rests above the hysteresis, and keeps still in between', () => {
    const bench = engineRegulated();
    expect(bench.commands).toEqual([]);
    bench.send({ type: 'telemetry', temperature: 20.9, heating: false });
    expect(bench.commands).toEqual([]);
    bench.send({ type: 'telemetry', temperature: 20.6, heating: false });
    expect(bench.commands).toEqual([heat(true)]);
    bench.send({ type: 'telemetry', temperature: 20.5, heating: true });
    bench.send({ type: 'telemetry', temperature: 21.2, heating: true });
    expect(bench.commands).toEqual([heat(true)]);
    bench.send({ type: 'telemetry', temperature: 21.4, heating: true });
    expect(bench.commands).toEqual([heat(true), heat(false)]);
    bench.send({ type: 'telemetry', temperature: 20.8, heating: false });
    expect(bench.commands).toHaveLength(2);
  });

  it('does not repeat a command that is open', () => {
    const bench = engineRegulated();
    for (const temperature of [20, 19.9, 19.8]) bench.send({ type: 'telemetry', temperature });
    expect(bench.commands).toEqual([heat(true)]);
  });

  it('commands nothing that the device does already', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 19, heating: true });
    expect(bench.commands).toEqual([]);
  });

  it('never sends the target to the device', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 19, targetTemperature: 17, heating: true });
    expect(bench.commands).toEqual([]);
  });

  it('tries again with the next report when a command expired, not in a loop', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 19, heating: false });
    bench.advance(20 * MINUTE);
    expect(bench.commands).toEqual([heat(true)]);
    expect(bench.activeAlerts).toEqual(['not-responding']);
    bench.send({ type: 'telemetry', temperature: 18.9, heating: false });
    expect(bench.commands).toEqual([heat(true), heat(true)]);
    bench.send({ type: 'telemetry', heating: true });
    expect(bench.activeAlerts).toEqual([]);
  });

  it('insists when the device heats against its command', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 19, heating: true });
    bench.send({ type: 'telemetry', heating: false });
    expect(bench.commands).toEqual([heat(true)]);
  });

  it('decides anew on a new target and a new hysteresis', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 20.8, heating: false });
    bench.send({ type: 'desired.changed', targetTemperature: 23 });
    expect(bench.commands).toEqual([heat(true)]);
    bench.send({ type: 'telemetry', heating: true });
    bench.send({ type: 'desired.changed', targetTemperature: 20 });
    expect(bench.commands).toEqual([heat(true), heat(false)]);
    bench.send({ type: 'telemetry', heating: false });
    bench.send({ type: 'desired.changed', targetTemperature: 21 });
    bench.send({ type: 'settings.changed', hysteresis: 0.1 });
    expect(bench.commands).toEqual([heat(true), heat(false), heat(true)]);
  });

  it('hands the target to the device when it is to regulate by itself', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 20.9, targetTemperature: 18 });
    bench.send({ type: 'settings.changed', regulation: null });
    expect(bench.settings.regulation).toBe('device');
    expect(bench.commands).toEqual([setTarget(21)]);
    expect(bench.state).toMatchObject({ regulation: 'undecided' });
  });

  it('takes "on" for "heating"', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 19, on: false });
    bench.send({ type: 'telemetry', on: true });
    expect([...bench.intents.values()].map(({ status }) => status)).toEqual(['confirmed']);
  });
});

describe('open window', () => {
  const cool = (bench: TwinBench, ...temperatures: number[]) => {
    for (const temperature of temperatures) {
      bench.advance(2 * MINUTE);
      bench.send({ type: 'telemetry', temperature });
    }
  };

  it('is seen by a fast fall, told to the room, and over when it gets warmer', () => {
    const bench = inRoom();
    cool(bench, 21, 20.6, 19.9);
    expect(bench.activeAlerts).toEqual([]);
    cool(bench, 19.5);
    expect(bench.activeAlerts).toEqual(['open-window']);
    cool(bench, 19, 18.5, 18.9);
    expect(bench.activeAlerts).toEqual(['open-window']);
    cool(bench, 19);
    expect(bench.activeAlerts).toEqual([]);
    expect(told(bench, 'member.window')).toEqual([
      { type: 'member.window', member: 't1', open: true },
      { type: 'member.window', member: 't1', open: false },
    ]);
  });

  it('is not seen in a slow fall', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'settings.changed', silenceMs: 86_400_000 });
    for (let temperature = 22; temperature > 17; temperature -= 0.2) cool(bench, temperature);
    expect(bench.alerts.size).toBe(0);
  });

  it('ends after its time limit, and is not seen again at once', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'settings.changed', silenceMs: 86_400_000, windowLimitMinutes: 20 });
    cool(bench, 21, 19);
    expect(bench.activeAlerts).toEqual(['open-window']);
    bench.advance(20 * MINUTE);
    expect(bench.activeAlerts).toEqual([]);
    cool(bench, 18.9, 18.8);
    expect(bench.activeAlerts).toEqual([]);
  });

  it('ends late after an outage of the engine', () => {
    const bench = new TwinBench(thermostat);
    cool(bench, 21, 19);
    bench.sleep(8 * 60 * MINUTE);
    bench.wake();
    expect(bench.state).toMatchObject({ window: 'closed' });
  });

  it('stops the heating that the engine regulates, and resumes it afterwards', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 20.5, heating: true });
    bench.advance(2 * MINUTE);
    bench.send({ type: 'telemetry', temperature: 18.5, heating: true });
    expect(bench.commands).toEqual([heat(false)]);
    bench.send({ type: 'telemetry', temperature: 18.5, heating: false });
    bench.advance(30 * MINUTE);
    expect(bench.commands).toEqual([heat(false), heat(true)]);
  });

  it('keeps a bounded memory of a chatty device', () => {
    const bench = new TwinBench(thermostat);
    for (let n = 0; n < 500; n++) {
      bench.advance(3_000);
      bench.send({
        type: 'telemetry',
        temperature: 20.12 + (n % 7) / 100,
        humidity: 45.1,
        battery: 90,
        valve: 30,
        targetTemperature: 20,
        heating: true,
      });
    }
    expect(JSON.stringify(bench.twin.state.context).length).toBeLessThan(1_024);
  });
});

describe('boost', () => {
  it('raises the target for its time and then goes back', () => {
    const bench = settledAt(20);
    bench.send({ type: 'boost', minutes: 10, temperature: 25 });
    expect(bench.commands.at(-1)).toEqual(setTarget(25));
    bench.send({ type: 'telemetry', targetTemperature: 25 });
    expect(bench.desired).toEqual({ targetTemperature: 20 });
    bench.advance(10 * MINUTE);
    expect(bench.commands.at(-1)).toEqual(setTarget(20));
    bench.send({ type: 'telemetry', targetTemperature: 20 });
    expect(bench.commands).toHaveLength(3);
  });

  it('has a time and a rise of its own', () => {
    const bench = settledAt(20);
    bench.send({ type: 'boost' });
    expect(bench.commands.at(-1)).toEqual(setTarget(23));
    bench.send({ type: 'telemetry', targetTemperature: 23 });
    bench.advance(30 * MINUTE);
    expect(bench.commands.at(-1)).toEqual(setTarget(20));
  });

  it('returns to what the device had when nobody had set a target', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', temperature: 19, targetTemperature: 19 });
    bench.send({ type: 'boost', temperature: 24 });
    bench.send({ type: 'telemetry', targetTemperature: 24 });
    bench.send({ type: 'boost.cancel' });
    expect(bench.commands).toEqual([setTarget(24), setTarget(19)]);
  });

  it('starts its time again with another boost', () => {
    const bench = settledAt(20);
    bench.send({ type: 'boost', minutes: 10 });
    bench.advance(8 * MINUTE);
    bench.send({ type: 'boost', minutes: 10 });
    bench.advance(8 * MINUTE);
    expect(bench.state).toMatchObject({ boost: 'active' });
    bench.advance(2 * MINUTE);
    expect(bench.state).toMatchObject({ boost: 'idle' });
  });

  it('ends when a person sets a target, and when a hand turns the device', () => {
    const asked = settledAt(20);
    asked.send({ type: 'boost' });
    asked.send({ type: 'desired.changed', targetTemperature: 19 });
    expect(asked.commands.at(-1)).toEqual(setTarget(19));

    const turned = settledAt(20);
    turned.send({ type: 'boost' });
    turned.send({ type: 'telemetry', targetTemperature: 23 });
    turned.send({ type: 'telemetry', targetTemperature: 18 });
    expect(turned.state).toMatchObject({ boost: 'idle' });
    expect(turned.desired).toEqual({ targetTemperature: 18 });
  });

  it('ends as soon as the engine is back, if that was after its time', () => {
    const bench = settledAt(20);
    bench.send({ type: 'boost', minutes: 30 });
    bench.sleep(10 * 60 * MINUTE);
    bench.wake();
    expect(bench.commands.at(-1)).toEqual(setTarget(20));
  });

  it('heats by the engine too', () => {
    const bench = engineRegulated();
    bench.send({ type: 'telemetry', temperature: 21.5, heating: false });
    bench.send({ type: 'boost' });
    expect(bench.commands).toEqual([heat(true)]);
  });
});

describe('battery', () => {
  it('is low below 15 % and fine above 20 %', () => {
    const bench = new TwinBench(thermostat);
    const alertsAt = (battery: number) => {
      bench.send({ type: 'telemetry', battery });
      return bench.activeAlerts;
    };
    expect(alertsAt(15)).toEqual([]);
    expect(alertsAt(14.9)).toEqual(['low-battery']);
    expect(alertsAt(20)).toEqual(['low-battery']);
    expect(alertsAt(20.1)).toEqual([]);
    expect(alertsAt(16)).toEqual([]);
  });
});

describe('room', () => {
  it('hears each temperature and humidity, and nothing else', () => {
    const bench = inRoom();
    bench.send({ type: 'telemetry', temperature: 20, humidity: 40 });
    bench.send({ type: 'telemetry', temperature: 20 });
    bench.send({ type: 'telemetry', battery: 80 });
    bench.send({ type: 'telemetry', targetTemperature: 20, heating: true });
    expect(told(bench, 'member.report')).toEqual([
      { type: 'member.report', member: 't1', temperature: 20, humidity: 40, measuredAt: bench.now },
      { type: 'member.report', member: 't1', temperature: 20, measuredAt: bench.now },
    ]);
  });

  it('sets the target', () => {
    const bench = inRoom();
    bench.send({ type: 'room.target', targetTemperature: 19.5 }, fromRoom);
    expect(bench.desired).toEqual({ targetTemperature: 19.5 });
    expect(bench.commands).toEqual([setTarget(19.5)]);
  });

  it('does not end a boost by its programme', () => {
    const bench = settledAt(20, inRoom());
    bench.send({ type: 'boost', minutes: 10 });
    bench.send({ type: 'room.target', targetTemperature: 17 }, fromRoom);
    expect(bench.state).toMatchObject({ boost: 'active' });
    bench.advance(10 * MINUTE);
    expect(bench.commands.at(-1)).toEqual(setTarget(17));
  });

  it('pauses the heating to frost protection and lets it go on as before', () => {
    const bench = settledAt(20, inRoom());
    bench.send({ type: 'room.heating', paused: true, reason: 'window' }, fromRoom);
    expect(bench.commands.at(-1)).toEqual(setTarget(5));
    expect(bench.desired).toEqual({ targetTemperature: 20 });
    bench.send({ type: 'telemetry', targetTemperature: 5 });
    bench.send({ type: 'room.heating', paused: false, reason: 'none' }, fromRoom);
    expect(bench.commands.at(-1)).toEqual(setTarget(20));
  });

  it('keeps the pause against a hand at the device, and remembers what the hand wanted', () => {
    const bench = settledAt(20, inRoom());
    bench.send({ type: 'room.heating', paused: true, reason: 'alarm' }, fromRoom);
    bench.send({ type: 'telemetry', targetTemperature: 5 });
    bench.send({ type: 'telemetry', targetTemperature: 24 });
    expect(bench.commands.at(-1)).toEqual(setTarget(5));
    expect(bench.desired).toEqual({ targetTemperature: 24 });
  });

  it('has no more say once it is left', () => {
    const bench = settledAt(20, inRoom());
    bench.send({ type: 'room.heating', paused: true, reason: 'window' }, fromRoom);
    bench.send({ type: 'room.farewell' }, fromRoom);
    expect(bench.commands.at(-1)).toEqual(setTarget(20));
  });

  it('tells a newcomer how things stand', () => {
    const bench = inRoom();
    bench.send({ type: 'room.welcome', targetTemperature: 19, paused: false }, fromRoom);
    expect(bench.commands).toEqual([setTarget(19)]);
  });
});

describe('what it is told', () => {
  it.each([
    ['temperature', 150],
    ['humidity', 101],
    ['battery', -1],
    ['temperature', Number.POSITIVE_INFINITY],
    ['heating', 'yes'],
  ])('refuses nonsense such as %s = %s, and lives on', (field, value) => {
    const bench = settledAt(20);
    const { revision } = bench.twin;
    expect(() => bench.send({ type: 'telemetry', [field]: value })).toThrow(field);
    expect(bench.twin.revision).toBe(revision);
  });

  it('ignores fields it does not know', () => {
    const bench = new TwinBench(thermostat);
    bench.send({ type: 'telemetry', temperature: 20, firmware: '1.2.3' });
    expect(bench.reported).toEqual({ temperature: 20 });
  });

  it('refuses settings beyond their range and resets them with null', () => {
    const bench = new TwinBench(thermostat);
    expect(() => bench.send({ type: 'settings.changed', hysteresis: 50 })).toThrow('hysteresis');
    bench.send({ type: 'settings.changed', hysteresis: 1 });
    expect(bench.settings).toMatchObject({ hysteresis: 1, regulation: 'device' });
    bench.send({ type: 'settings.changed', hysteresis: null });
    expect(bench.settings).toMatchObject({ hysteresis: 0.3 });
  });
});
