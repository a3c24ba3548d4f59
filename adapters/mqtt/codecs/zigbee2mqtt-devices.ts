import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isName, type Json, parseSafely } from '../../../engine/index.ts';

/** What the codec knows of a Zigbee device from `bridge/devices`. */
export interface ZigbeeDevice {
  kind: 'thermostat' | 'relay' | 'sensor';
  /** The property that sets the target temperature. */
  setpoint: string | undefined;
  /** The `system_mode` that means heating. */
  heatMode: string | undefined;
  /** What the valve property says at fully open. */
  valveMax: number;
  /** `mV` for most battery devices, `V` for mains. */
  voltageUnit: string | undefined;
}

interface Expose {
  type?: string | undefined;
  property?: string | undefined;
  unit?: string | undefined;
  values?: unknown[] | undefined;
  value_max?: number | undefined;
  features?: Expose[] | undefined;
}

const expose: z.ZodType<Expose> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    property: z.string().optional(),
    unit: z.string().optional(),
    values: z.array(z.unknown()).optional(),
    value_max: z.number().optional(),
    features: z.array(expose).optional(),
  }),
);
const device = z.object({
  friendly_name: z.string().min(1),
  type: z.string().optional(),
  definition: z.object({ exposes: z.array(expose) }).nullish(),
});

export const SETPOINTS = ['occupied_heating_setpoint', 'current_heating_setpoint'] as const;
const VALVES = ['pi_heating_demand', 'position', 'valve_position'];

/**
 * Reads `bridge/devices`: devices by friendly name. An entry that cannot be read, the coordinator and unsupported
 * devices are left out.
 */
export function readDevices(list: Json): Map<string, ZigbeeDevice> {
  const devices = new Map<string, ZigbeeDevice>();
  if (!Array.isArray(list)) return devices;
  for (const entry of list) {
    const read = parseSafely(device, entry);
    if (!read.success || read.data.type === 'Coordinator' || !read.data.definition) continue;
    devices.set(read.data.friendly_name, describe(read.data.definition.exposes));
  }
  return devices;
}

/** Reads `bridge/groups`: groups by friendly name. */
export function readGroups(list: Json): Set<string> {
  const read = parseSafely(z.array(z.object({ friendly_name: z.string() })), list);
  return new Set(read.success ? read.data.map(({ friendly_name }) => friendly_name) : []);
}

function describe(exposes: readonly Expose[]): ZigbeeDevice {
  const all = exposes.flatMap((one) => [one, ...(one.features ?? [])]);
  const property = (...names: readonly string[]) =>
    all.find((one) => one.property !== undefined && names.includes(one.property));
  const types = new Set(exposes.map(({ type }) => type));
  const modes = property('system_mode')?.values ?? [];
  return {
    kind: types.has('climate')
      ? 'thermostat'
      : types.has('switch') || types.has('light')
        ? 'relay'
        : 'sensor',
    setpoint: SETPOINTS.find((name) => property(name)),
    heatMode: ['heat', 'auto'].find((mode) => modes.includes(mode)),
    valveMax: valveMaxOf(property(...VALVES)?.value_max),
    voltageUnit: property('voltage')?.unit,
  };
}

/** A fully open valve says 1 at least; a list that claims less would make every position nonsense. */
function valveMaxOf(said: number | undefined): number {
  return said !== undefined && said >= 1 ? said : 100;
}

/**
 * The twin id of a friendly name. Different names have different ids: a name of letters, digits,
 * `_` and `-` keeps its text, with `/` as a single `.`; any other gets its legible part and, after
 * `..`, 32 bits of its hash. A name of the first sort never gives `..`.
 */
export function twinOf(friendlyName: string): string {
  const plain = friendlyName.replaceAll('/', '.');
  if (/^[\w-]+(\/[\w-]+)*$/.test(friendlyName) && isName(plain)) return plain;
  const hash = createHash('sha256').update(friendlyName).digest('hex').slice(0, 8);
  const legible = plain
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\w-]+/g, '-')
    .replaceAll(/^[-_]+|[-_]+$/g, '')
    .slice(0, 50);
  return `${legible || 'device'}..${hash}`;
}
