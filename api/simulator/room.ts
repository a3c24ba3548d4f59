import {
  outsideTemperature,
  proportionalValve,
  type RoomAir,
  type RoomBody,
  stepRoom,
  sunShare,
} from './physics.ts';

/** A message that a simulated device wants to publish below its topic. */
export interface DeviceMessage {
  kind: 'thermostat' | 'sensor';
  twin: string;
  channel: 'telemetry' | 'ack';
  payload: Record<string, unknown>;
}

const OPEN_PER_HOUR = 0.08;
const OPEN_SECONDS = { least: 300, most: 1_200 };
const MEAN_OUTSIDE = 5;
const SWING_OUTSIDE = 8;

/**
 * One room with a radiator thermostat and a window contact. The thermostat regulates itself until
 * someone sends it `heat`; from then on it obeys that, until the next `set-target`.
 */
export class SimulatedRoom {
  readonly thermostat: string;
  readonly contact: string;
  readonly #body: RoomBody;
  readonly #random: () => number;
  #air: RoomAir;
  #target = 20;
  #heat: boolean | null = null;
  #valve = 0;
  #battery: number;
  /** Seconds until the window closes; 0: it is closed. */
  #windowOpenFor = 0;
  #contactChanged = true;

  constructor(name: string, random: () => number) {
    this.thermostat = `${name}-thermostat`;
    this.contact = `${name}-window`;
    this.#random = random;
    const size = 0.7 + random() * 0.8;
    this.#body = {
      heatCapacity: 600_000 * size,
      lossCoefficient: 45 * size,
      openWindowLoss: 160,
      radiatorPower: 1_600 * size,
      solarPeak: 350 * random(),
      internalGain: 80,
    };
    this.#air = { temperature: 17 + random() * 4, humidity: 42 + random() * 10 };
    this.#battery = 60 + random() * 40;
  }

  /** Lets time pass. @param hour solar hour of the day, 0–24 */
  pass(seconds: number, hour: number): void {
    const { temperature } = this.#air;
    this.#valve =
      this.#heat === null ? proportionalValve(this.#target, temperature) : this.#heat ? 1 : 0;
    this.#peopleAtTheWindow(seconds);
    this.#air = stepRoom(
      this.#body,
      this.#air,
      {
        outside: outsideTemperature(hour, MEAN_OUTSIDE, SWING_OUTSIDE),
        sun: sunShare(hour),
        windowOpen: this.#windowOpenFor > 0,
        valve: this.#valve,
      },
      seconds,
    );
    this.#battery = Math.max(0, this.#battery - seconds * 2e-6);
  }

  #peopleAtTheWindow(seconds: number): void {
    const open = this.#windowOpenFor > 0;
    if (open) this.#windowOpenFor = Math.max(0, this.#windowOpenFor - seconds);
    else if (this.#random() < (OPEN_PER_HOUR * seconds) / 3_600) {
      this.#windowOpenFor =
        OPEN_SECONDS.least + this.#random() * (OPEN_SECONDS.most - OPEN_SECONDS.least);
    }
    if (open !== this.#windowOpenFor > 0) this.#contactChanged = true;
  }

  /** What its devices report now. The contact speaks when it changes, and with `all`. */
  report(all = false): DeviceMessage[] {
    const messages: DeviceMessage[] = [this.#thermostatReport()];
    if (this.#contactChanged || all) {
      this.#contactChanged = false;
      messages.push({
        kind: 'sensor',
        twin: this.contact,
        channel: 'telemetry',
        payload: { contact: this.#windowOpenFor === 0 },
      });
    }
    return messages;
  }

  /** Obeys a command to its thermostat. @returns the ack, and the report that shows the effect */
  obey(command: { id: string; name: string; args: Record<string, unknown> }): DeviceMessage[] {
    const { name, args } = command;
    if (name === 'set-target' && typeof args.targetTemperature === 'number') {
      this.#target = args.targetTemperature;
      this.#heat = null;
    } else if (name === 'heat' && typeof args.on === 'boolean') this.#heat = args.on;
    else return [this.#ack({ id: command.id, ok: false, error: `unknown command ${name}` })];
    return [this.#ack({ id: command.id, ok: true }), this.#thermostatReport()];
  }

  #ack(payload: Record<string, unknown>): DeviceMessage {
    return { kind: 'thermostat', twin: this.thermostat, channel: 'ack', payload };
  }

  #thermostatReport(): DeviceMessage {
    return {
      kind: 'thermostat',
      twin: this.thermostat,
      channel: 'telemetry',
      payload: {
        temperature: round(this.#air.temperature, 2),
        humidity: round(this.#air.humidity, 1),
        targetTemperature: this.#target,
        valve: Math.round(this.#valve * 100),
        heating: this.#heat ?? this.#valve > 0.05,
        battery: Math.round(this.#battery),
      },
    };
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
