/** A thermally honest room: pure functions, SI units, °C. */

export interface RoomBody {
  /** Heat capacity of air, furniture and inner walls, J/K. */
  heatCapacity: number;
  /** Loss to the outside through walls and closed windows, W/K. */
  lossCoefficient: number;
  /** What an open window adds to it, W/K. */
  openWindowLoss: number;
  /** Radiator at full valve, W. */
  radiatorPower: number;
  /** Sun through the windows at noon on a clear day, W. */
  solarPeak: number;
  /** People and devices, W. */
  internalGain: number;
}

export interface RoomAir {
  /** °C */
  temperature: number;
  /** Relative, %. */
  humidity: number;
}

export interface Surroundings {
  /** °C */
  outside: number;
  /** Share of the solar peak, 0–1. */
  sun: number;
  windowOpen: boolean;
  /** 0–1 */
  valve: number;
}

/** Longest step that the explicit Euler scheme takes at once, s. */
const MAX_STEP_S = 30;

/**
 * The room's air some seconds later: C·dT/dt = P·valve + sun + people − (UA + window)·(T − outside).
 * Humidity drifts to that of the outside air at room temperature while the window is open.
 */
export function stepRoom(
  body: RoomBody,
  air: RoomAir,
  around: Surroundings,
  seconds: number,
): RoomAir {
  let { temperature, humidity } = air;
  for (let left = seconds; left > 0; left -= MAX_STEP_S) {
    const dt = Math.min(left, MAX_STEP_S);
    const loss = body.lossCoefficient + (around.windowOpen ? body.openWindowLoss : 0);
    const power =
      body.radiatorPower * around.valve +
      body.solarPeak * around.sun +
      body.internalGain -
      loss * (temperature - around.outside);
    temperature += (power / body.heatCapacity) * dt;
    const humidityGoal = around.windowOpen ? 35 : 48;
    humidity += (humidityGoal - humidity) * (1 - Math.exp(-dt / (around.windowOpen ? 900 : 7_200)));
  }
  return { temperature, humidity };
}

/** Outside temperature by the sun's day: coldest about 5 h, warmest about 15 h. @param hour 0–24, solar */
export function outsideTemperature(hour: number, mean: number, swing: number): number {
  return mean + (swing / 2) * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
}

/** Share of the noon sun, 0–1. @param hour 0–24, solar */
export function sunShare(hour: number): number {
  return Math.max(0, Math.sin(((hour - 6) / 12) * Math.PI));
}

/** What a self-regulating thermostat does with its valve: proportional within 1.5 K. */
export function proportionalValve(target: number, temperature: number): number {
  return Math.min(1, Math.max(0, (target - temperature + 0.25) / 1.5));
}

/** A small seeded generator (mulberry32), so that a run can be repeated. @returns numbers in [0, 1) */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
