/**
 * A battery that runs low, with a gap between raise and clear so that a reading at the edge does
 * not flap.
 *
 * Uses from the machine's setup: the guards `batteryIsLow` and `batteryIsFine`, the actions
 * `raiseLowBattery` and `clearLowBattery`.
 */
const LOW_PERCENT = 15;
const FINE_PERCENT = 20;

export const batteryRegion = {
  initial: 'fine',
  states: {
    fine: { always: { guard: 'batteryIsLow', target: 'low' } },
    low: {
      entry: 'raiseLowBattery',
      exit: 'clearLowBattery',
      always: { guard: 'batteryIsFine', target: 'fine' },
    },
  },
} as const;

export function isLow(percent: number | undefined): boolean {
  return percent !== undefined && percent < LOW_PERCENT;
}

export function isFine(percent: number | undefined): boolean {
  return percent !== undefined && percent > FINE_PERCENT;
}

export function lowBatteryRaised(percent: number | undefined) {
  return {
    type: 'alert',
    key: 'low-battery',
    severity: 'warning',
    state: 'raised',
    message: `its battery is at ${percent ?? 0} %`,
  } as const;
}

export const lowBatteryCleared = {
  type: 'alert',
  key: 'low-battery',
  severity: 'warning',
  state: 'cleared',
  message: 'its battery is fine again',
} as const;
