import { z } from 'zod';

/** °C. Frost protection: nothing is ever heated less. */
export const COLDEST_TARGET = 5;
const WARMEST_TARGET = 30;
const STEP = 0.5;

/** What can be wanted of heating: 5–30 °C in half degrees. */
export const targetTemperature = z
  .number()
  .min(COLDEST_TARGET)
  .max(WARMEST_TARGET)
  .multipleOf(STEP, 'must be in steps of half a degree');

/** The nearest temperature that can be wanted. */
export function nearestTarget(temperature: number): number {
  const stepped = Math.round(temperature / STEP) * STEP;
  return Math.min(WARMEST_TARGET, Math.max(COLDEST_TARGET, stepped));
}
