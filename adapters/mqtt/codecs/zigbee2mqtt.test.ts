import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isName } from '../../../engine/index.ts';
import type { Codec, Decoded } from '../codec.ts';
import { commandRow, desiredRow } from '../testing/fake-engine.ts';
import { zigbee2mqttCodec } from './zigbee2mqtt.ts';
import { twinOf } from './zigbee2mqtt-devices.ts';

let codec: Codec;
beforeEach(() => {
  codec = zigbee2mqttCodec({ base: 'zigbee2mqtt', home: 'flat' });
});

function decode(path: string, payload: unknown): Decoded | undefined {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return codec.decode({
    topic: `zigbee2mqtt/${path}`,
    ...{ payload: Buffer.from(text), qos: 0, dup: false, replayed: false },
  })[0];
}
function said(name: string, args: Record<string, number | boolean | string>, friendlyName: string) {
  const via = `zigbee2mqtt:${friendlyName}`;
  const outgoing = codec.encode(commandRow(twinOf(friendlyName), 'c', { name, args, via }));
  return outgoing && 'topic' in outgoing
    ? `${outgoing.topic} ${outgoing.payload.toString()}`
    : outgoing;
}

const numeric = (property: string, unit?: string, more: object = {}) => ({
  ...{ type: 'numeric', name: property, label: property, property, access: 1 },
  ...(unit && { unit }),
  ...more,
});
const device = (friendly_name: string, exposes: object[], more: object = {}) => ({
  ...{ ieee_address: '0x00158d0004866f11', network_address: 29159, type: 'EndDevice' },
  ...{ friendly_name, supported: true, disabled: false, interview_completed: true },
  definition: { model: 'X', vendor: 'Y', description: '', options: [], exposes },
  ...more,
});
const LIST = [
  {
    ...{ ieee_address: '0x00124b001cdd0a11', type: 'Coordinator', network_address: 0 },
    ...{
      friendly_name: 'Coordinator',
      definition: null,
      supported: true,
      interview_completed: true,
    },
  },
  device('living-room/trv', [
    {
      type: 'climate',
      features: [
        numeric('current_heating_setpoint', '°C', { value_min: 5, value_max: 35, value_step: 0.5 }),
        numeric('local_temperature', '°C'),
        { type: 'enum', property: 'system_mode', values: ['off', 'heat', 'auto'] },
        { type: 'enum', property: 'running_state', values: ['idle', 'heat'] },
      ],
    },
    numeric('position', '%', { value_min: 0, value_max: 100 }),
    numeric('battery', '%'),
    numeric('linkquality', 'lqi', { value_min: 0, value_max: 255 }),
  ]),
  device('Bathroom valve', [
    {
      type: 'climate',
      features: [
        numeric('occupied_heating_setpoint', '°C'),
        numeric('local_temperature', '°C'),
        { type: 'enum', property: 'system_mode', values: ['off', 'auto'] },
        numeric('pi_heating_demand', '%', { value_min: 0, value_max: 255 }),
      ],
    },
  ]),
  device('plug', [
    {
      type: 'switch',
      features: [{ type: 'binary', name: 'state', property: 'state', value_on: 'ON' }],
    },
    numeric('power', 'W'),
    numeric('voltage', 'V'),
    numeric('current', 'A'),
    numeric('energy', 'kWh'),
  ]),
  device('kitchen/window', [
    { type: 'binary', name: 'contact', property: 'contact', value_on: false, value_off: true },
    numeric('battery', '%'),
    numeric('voltage', 'mV'),
  ]),
  device('new one', [], { definition: null, interview_completed: false }),
  { garbage: true },
];

describe('zigbee2mqtt states', () => {
  beforeEach(() => {
    expect(decode('bridge/devices', LIST)).toMatchObject({ type: 'ignored' });
    decode('bridge/groups', [{ id: 1, friendly_name: 'all lights', members: [] }]);
  });

  it('of a radiator valve', () => {
    const state = {
      ...{ battery: 87, current_heating_setpoint: 21, linkquality: 120, local_temperature: 20.3 },
      ...{ position: 40, running_state: 'heat', system_mode: 'heat', child_lock: 'UNLOCK' },
      ...{ update: { state: 'idle' }, window_open: null, last_seen: '2026-01-05T12:00:00+01:00' },
    };
    expect(decode('living-room/trv', state)).toEqual({
      ...{ type: 'event', home: 'flat', twin: 'living-room.trv', kind: 'thermostat' },
      via: 'zigbee2mqtt:living-room/trv',
      at: Date.UTC(2026, 0, 5, 11),
      event: {
        type: 'telemetry',
        ...{ battery: 87, targetTemperature: 21, linkquality: 120, temperature: 20.3, valve: 40 },
        ...{ heating: true, systemMode: 'heat', childLock: 'UNLOCK' },
      },
    });
  });

  it('of a valve that counts to 255', () => {
    const decoded = decode('Bathroom valve', {
      pi_heating_demand: 255,
      occupied_heating_setpoint: 19.5,
    });
    expect(decoded).toMatchObject({
      kind: 'thermostat',
      event: { type: 'telemetry', valve: 100, targetTemperature: 19.5 },
    });
  });

  it('of a metering plug', () => {
    const state = {
      state: 'ON',
      power: 41.8,
      voltage: 231,
      current: 0.21,
      energy: 12.07,
      linkquality: 98,
    };
    expect(decode('plug', state)).toMatchObject({
      kind: 'relay',
      event: { on: true, power: 41.8, voltage: 231, current: 0.21, energy: 12.07 },
    });
  });

  it('of a contact', () => {
    expect(
      decode('kitchen/window', { battery: 100, contact: false, linkquality: 51, voltage: 3025 }),
    ).toMatchObject({
      twin: 'kitchen.window',
      kind: 'sensor',
      event: { contact: false, battery: 100, batteryMillivolts: 3025 },
    });
  });

  it.each([
    ['{"state":"online"}', true],
    ['{"state":"offline"}', false],
    ['online', true],
  ])('availability %s', (payload, online) => {
    expect(decode('kitchen/window/availability', payload)).toMatchObject({
      ...{ type: 'event', twin: 'kitchen.window', kind: 'sensor' },
      event: { type: 'status', online },
    });
  });

  it.each([
    'bridge/state',
    'bridge/logging',
    'bridge/info',
    'bridge/event',
    'plug/set',
    'plug/set/state',
    'plug/get',
    'all lights',
    'all lights/availability',
    'plug/left',
    'removed',
  ])('ignores %s', (path) => {
    expect(decode(path, { state: 'ON' })).toMatchObject({ type: 'ignored' });
  });

  it('refuses a state that is no JSON, with what to set', () => {
    expect(decode('plug', 'ON')).toMatchObject({
      ...{ type: 'refused', home: 'flat', twin: 'plug' },
      hint: expect.stringContaining('output: json') as string,
    });
  });

  it('forgets devices that have gone', () => {
    decode('bridge/devices', []);
    expect(decode('plug', { state: 'ON' })).toMatchObject({ type: 'ignored' });
  });
});

describe('before the device list has come', () => {
  it.each([
    [{ local_temperature: 20 }, 'thermostat'],
    [{ current_heating_setpoint: 20 }, 'thermostat'],
    [{ state: 'OFF', power: 0 }, 'relay'],
    [{ temperature: 20, humidity: 50 }, 'sensor'],
  ])('a state of %o is a %s', (state, kind) => {
    expect(decode('x', state)).toMatchObject({ kind });
  });

  it('an availability creates nothing, as nobody knows what of', () => {
    expect(decode('x/availability', 'online')).toMatchObject({ kind: undefined });
  });

  it('a target waits until it is known how to set it', () => {
    expect(said('set-target', { targetTemperature: 21 }, 'x')).toMatchObject({ later: true });
    decode('x', { occupied_heating_setpoint: 19 });
    expect(said('set-target', { targetTemperature: 21 }, 'x')).toBe(
      'zigbee2mqtt/x/set {"occupied_heating_setpoint":21}',
    );
  });
});

describe('commands to zigbee2mqtt', () => {
  beforeEach(() => {
    decode('bridge/devices', LIST);
  });

  it.each([
    [
      'set-target',
      { targetTemperature: 21.5 },
      'living-room/trv',
      '{"current_heating_setpoint":21.5}',
    ],
    ['set-target', { targetTemperature: 18 }, 'Bathroom valve', '{"occupied_heating_setpoint":18}'],
    ['heat', { on: true }, 'living-room/trv', '{"system_mode":"heat"}'],
    ['heat', { on: true }, 'Bathroom valve', '{"system_mode":"auto"}'],
    ['heat', { on: false }, 'living-room/trv', '{"system_mode":"off"}'],
    ['switch', { on: true }, 'plug', '{"state":"ON"}'],
    ['switch', { on: false }, 'plug', '{"state":"OFF"}'],
  ])('%s %o for %s', (name, args, friendlyName, payload) => {
    expect(said(name, args, friendlyName)).toBe(`zigbee2mqtt/${friendlyName}/set ${payload}`);
  });

  it('that it does not have are refused for good', () => {
    expect(said('dance', {}, 'plug')).toMatchObject({ later: false });
    expect(said('set-target', { targetTemperature: 21 }, 'plug')).toMatchObject({ later: false });
  });

  it('say nothing of desired states, which it does not keep', () => {
    const row = desiredRow('plug', { on: true }, 1);
    row.delivery.via = 'zigbee2mqtt:plug';
    expect(codec.encode(row)).toBeNull();
  });
});

describe('nonsense', () => {
  const trv = (value_max: number) =>
    decode('bridge/devices', [
      device('trv', [{ type: 'climate', features: [numeric('position', '%', { value_max })] }]),
    ]);

  it.each([0, -1, 1e-320])('in the list (a valve up to %d) makes no position infinite', (max) => {
    trv(max);
    expect(decode('trv', { position: 50 })).toMatchObject({ event: { valve: 50 } });
  });

  it('in a position stays a number', () => {
    trv(255);
    expect(decode('trv', { position: 1e308 })).toMatchObject({ event: { valve: 1e308 } });
  });

  it('in the name of a property does not reach what every object has', () => {
    expect(decode('k', { constructor: 1, to_string: 2, toString: 3 })).toMatchObject({
      event: { constructor: 1, toString: 3 },
    });
  });
});

describe('the twin of a friendly name', () => {
  it.each([
    ['living-room/trv', 'living-room.trv'],
    ['0x00158d0004866f11', '0x00158d0004866f11'],
    ['Küche Fenster', /^Kuche-Fenster\.\.[0-9a-f]{8}$/],
    ['living-room.trv', /^living-room-trv\.\.[0-9a-f]{8}$/],
    ['客厅', /^device\.\.[0-9a-f]{8}$/],
  ])('%s', (friendlyName, expected) => {
    expect(twinOf(friendlyName)).toMatch(expected);
  });

  it('is a name, and another for each', () => {
    const name = fc.oneof(
      fc.string({
        unit: fc.constantFrom('a', 'b', '/', '.', '-', '_', ' ', 'ü'),
        minLength: 1,
        maxLength: 8,
      }),
      fc.string({ minLength: 1, maxLength: 120 }),
    );
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(isName(twinOf(one))).toBe(true);
        if (one !== other) expect(twinOf(one)).not.toBe(twinOf(other));
      }),
      { numRuns: 2_000 },
    );
  });
});
