import { topicBytes } from './wire-client.ts';

export interface FleetShape {
  devices: number;
  homes: number;
  kind: 'thermostat' | 'sensor';
  /** So that fleets of several measurements on one engine do not meet. */
  prefix: string;
}

/** A simulated device: what it would report next. */
export interface Device {
  index: number;
  home: number;
  topic: Buffer;
  /** What it was last told; its reports confirm it. */
  heating: boolean;
  warm: boolean;
  reports: number;
  /** Reports that have not been answered: when (`performance.now()`), and what the answer is to be. */
  waiting: { at: number; on: boolean }[];
}

const MARKERS = 100;

/** The thermostats of a fleet; of one of sensors, some beside them whose commands show how far the receiver is. */
export function thermostatsOf(fleet: FleetShape): FleetShape {
  if (fleet.kind === 'thermostat') return fleet;
  return { ...fleet, devices: MARKERS, kind: 'thermostat', prefix: `${fleet.prefix}m` };
}

export function homeOf({ prefix }: FleetShape, home: number): string {
  return `${prefix}${home}`;
}

export function twinOf(index: number): string {
  return `d${index}`;
}

export function fleetOf(shape: FleetShape): Device[] {
  return Array.from({ length: shape.devices }, (_, index) => {
    const home = index % shape.homes;
    const where = `homeostat/${homeOf(shape, home)}/${shape.kind}/${twinOf(index)}`;
    return {
      index,
      home,
      topic: topicBytes(`${where}/telemetry`),
      heating: false,
      warm: true,
      reports: 0,
      waiting: [],
    };
  });
}

/**
 * A report that crosses the target, so that the engine must command the heat each time: 20.4 and 21.6 °C
 * around 21. It says what the device does since the last command, which confirms that one.
 */
export function thermostatReport(device: Device): string {
  device.warm = !device.warm;
  device.reports++;
  const temperature = device.warm ? '21.6' : '20.4';
  return `{"temperature":${temperature},"targetTemperature":21,"heating":${device.heating},"battery":87}`;
}

/** A report that changes a value and asks for nothing. */
export function sensorReport(device: Device): string {
  device.reports++;
  const temperature = 18 + ((device.index + device.reports) % 40) / 10;
  return `{"temperature":${temperature.toFixed(1)},"humidity":${40 + (device.reports % 20)},"battery":87}`;
}

/** The device's number in a command's topic `homeostat/{home}/{kind}/d{n}/command`, without making strings. */
export function deviceNumber(topic: Buffer): number {
  let at = topic.length - '/command'.length - 1;
  let number = 0;
  let factor = 1;
  for (let byte = topic[at]; byte !== undefined && byte >= 48 && byte <= 57; byte = topic[--at]) {
    number += (byte - 48) * factor;
    factor *= 10;
  }
  return number;
}
