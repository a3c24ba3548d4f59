import type { EventData, Json, JsonObject } from '../../../engine/index.ts';
import { onOff } from '../device-words.ts';
import type { ZigbeeDevice } from './zigbee2mqtt-devices.ts';

/** zigbee2mqtt's property → our measurement, where the name alone decides. */
const NAMES: Record<string, string> = {
  local_temperature: 'temperature',
  occupied_heating_setpoint: 'targetTemperature',
  current_heating_setpoint: 'targetTemperature',
  soil_moisture: 'moisture',
  battery_low: 'batteryLow',
  battery_voltage: 'batteryMillivolts',
  illuminance_lux: 'illuminance',
};
const VALVES = ['pi_heating_demand', 'position', 'valve_position'];
/** Fields that would be taken for the envelope's own, or tell nothing about the device. */
const NOT_MEASURED = ['type', 'at', 'id', 'last_seen'];

/** A state payload as telemetry: what we know by our names, other plain values under theirs in camelCase. */
export function telemetryOf(state: JsonObject, device: ZigbeeDevice): EventData {
  const event: EventData = { type: 'telemetry' };
  for (const [property, value] of Object.entries(state)) {
    if (value === null || typeof value === 'object' || NOT_MEASURED.includes(property)) continue;
    const [name, said] = translate(property, value, device);
    event[name] = said;
  }
  // A thermostat measures the room by local_temperature, whatever else it calls temperature
  const { local_temperature: local } = state;
  if (typeof local === 'number') event.temperature = local;
  return event;
}

function translate(
  property: string,
  value: string | number | boolean,
  device: ZigbeeDevice,
): [string, Json] {
  if (property === 'state') {
    const on = onOff(value);
    return on === undefined ? ['state', value] : ['on', on];
  }
  if (VALVES.includes(property) && device.kind === 'thermostat') {
    if (typeof value !== 'number') return ['valveState', value];
    return ['valve', device.valveMax === 100 ? value : percentOf(value, device.valveMax)];
  }
  if (property === 'running_state') return ['heating', value === 'heat'];
  if (property === 'voltage' && typeof value === 'number') {
    return inMillivolts(value, device) ? ['batteryMillivolts', value] : ['voltage', value];
  }
  // A property may be called `constructor`
  const known = Object.hasOwn(NAMES, property) ? NAMES[property] : undefined;
  return [known ?? camelCase(property), value];
}

/**
 * A percentage, to a tenth. A value so far beyond its maximum that it has no percentage stays, to be refused as it
 * came.
 */
function percentOf(value: number, max: number): number {
  const percent = Math.round((value / max) * 1_000) / 10;
  return Number.isFinite(percent) ? percent : value;
}

/** Battery devices report mV, mains devices V. Where the unit is not known, no socket has 1,000 V. */
function inMillivolts(value: number, { voltageUnit, kind }: ZigbeeDevice): boolean {
  if (voltageUnit !== undefined) return voltageUnit === 'mV';
  return kind !== 'relay' && value >= 1_000;
}

function camelCase(name: string): string {
  return name.replaceAll(/_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
