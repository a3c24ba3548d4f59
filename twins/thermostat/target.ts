/** Which target applies, and what it makes of heating. Pure functions of the context. */
import { COLDEST_TARGET } from '../room/target-temperature.ts';
import type { Context } from './context.ts';
import { SAME_TARGET } from './events.ts';

/** °C: frost protection while the room pauses, the boost's while it lasts, else what is desired. */
export function targetInForce({ paused, boost, desired }: Context): number | null {
  if (paused) return COLDEST_TARGET;
  return boost?.temperature ?? desired.targetTemperature ?? null;
}

/** The target that the device should show; null when the engine regulates in its place. */
export function wantedTarget(context: Context): number | null {
  return context.settings.regulation === 'engine' ? null : targetInForce(context);
}

/**
 * Whether the engine wants heat: on below the target, off above it, and in between as before. Null
 * while nothing has been decided, or the device regulates by itself.
 */
export function wantedHeat(context: Context): boolean | null {
  const { settings, paused, window, reported, pursued } = context;
  if (settings.regulation === 'device') return null;
  if (paused || window !== null) return false;
  const target = targetInForce(context);
  if (target === null) return pursued.heat === null ? null : false;
  const { temperature } = reported;
  if (temperature === undefined) return pursued.heat;
  if (temperature < target - settings.hysteresis) return true;
  if (temperature > target + settings.hysteresis) return false;
  return pursued.heat;
}

export function showsTarget(context: Context, target: number): boolean {
  const { targetTemperature } = context.reported;
  return targetTemperature !== undefined && Math.abs(targetTemperature - target) <= SAME_TARGET;
}

/** Whether nothing that is wanted of the device is missing in its report. */
export function doesWhatIsWanted(context: Context): boolean {
  const { target, heat } = context.pursued;
  return (
    (target === null || showsTarget(context, target)) &&
    (heat === null || context.reported.heating === heat)
  );
}
