import { z } from 'zod';
import type { Measurements } from '../../engine/kind.ts';

/** What every sensor may report, with its unit and what would be nonsense. */
const MEASURED = {
  temperature: { unit: '°C', min: -80, max: 120 },
  humidity: { unit: '%', min: 0, max: 100 },
  pressure: { unit: 'hPa', min: 0, max: 2_000 },
  battery: { unit: '%', min: 0, max: 100 },
  batteryPercent: { unit: '%', min: 0, max: 100 },
  batteryMillivolts: { unit: 'mV', min: 0, max: 100_000 },
  co2: { unit: 'ppm', min: 0, max: 1_000_000 },
  illuminance: { unit: 'lx', min: 0, max: 1_000_000 },
  voltage: { unit: 'V', min: -1e6, max: 1e6 },
  current: { unit: 'A', min: -1e6, max: 1e6 },
  power: { unit: 'W', min: -1e9, max: 1e9 },
  energy: { unit: 'kWh', min: -1e12, max: 1e12 },
  acceleration: { unit: 'm/s²', min: -1e5, max: 1e5 },
  accelerationX: { unit: 'm/s²', min: -1e5, max: 1e5 },
  accelerationY: { unit: 'm/s²', min: -1e5, max: 1e5 },
  accelerationZ: { unit: 'm/s²', min: -1e5, max: 1e5 },
  vibration: { unit: 'mm/s', min: 0, max: 1e5 },
  voc: { unit: 'ppb', min: 0, max: 1e6 },
  pm25: { unit: 'µg/m³', min: 0, max: 1e5 },
  pm10: { unit: 'µg/m³', min: 0, max: 1e5 },
  noise: { unit: 'dB', min: 0, max: 250 },
  moisture: { unit: '%', min: 0, max: 100 },
  rssi: { unit: 'dBm', min: -200, max: 50 },
} as const;
export type MeasuredName = keyof typeof MEASURED;

export const MEASURED_NAMES = Object.keys(MEASURED) as MeasuredName[];

export const UNITS: Measurements = Object.fromEntries(
  MEASURED_NAMES.map((name) => [name, { unit: MEASURED[name].unit }]),
);

/** The fields of the telemetry schema: all optional, numbers within what exists. */
export const measuredFields = Object.fromEntries(
  MEASURED_NAMES.map((name) => [
    name,
    z.number().min(MEASURED[name].min).max(MEASURED[name].max).optional(),
  ]),
) as Record<MeasuredName, z.ZodOptional<z.ZodNumber>>;
