import type { Device } from './device.ts';
import type { Random } from './random.ts';

const TICK_MS = 10;
/** Fewer than the engine's deduplication window holds for certain. */
const UNDERWAY_PER_DEVICE = 16;

/** Devices that report at a rate, in an order that the seed decides. */
export class Load {
  readonly #devices: readonly Device[];
  readonly #random: Random;
  readonly #perSecond: number;
  #occasions = 0;
  #owed = 0;
  #timer: NodeJS.Timeout | null = null;
  #reports = new Set<Promise<void>>();
  #wanted: { count: number; resolve: () => void }[] = [];

  constructor(devices: readonly Device[], random: Random, perSecond: number) {
    this.#devices = devices;
    this.#random = random;
    this.#perSecond = perSecond;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Resolves after so many more measurements, whether they could be sent or not: the clock of all faults. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => this.#wanted.push({ count: this.#occasions + count, resolve }));
  }

  /** Sends nothing more; resolves when all that was sent is acknowledged. */
  async stop(): Promise<void> {
    this.breakOff();
    await Promise.all(this.#reports);
  }

  breakOff(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.#owed = Math.min(this.#owed + (this.#perSecond * TICK_MS) / 1_000, this.#perSecond);
    for (; this.#owed >= 1; this.#owed--) {
      const device = this.#random.pick(this.#devices);
      this.#occasions++;
      // A device that is cut off goes on measuring, and forgets
      if (device.underway < UNDERWAY_PER_DEVICE) this.#report(device);
    }
    const [reached, others] = [
      this.#wanted.filter(({ count }) => count <= this.#occasions),
      this.#wanted.filter(({ count }) => count > this.#occasions),
    ];
    this.#wanted = others;
    for (const { resolve } of reached) resolve();
  }

  #report(device: Device): void {
    const report = device.report(readings(device, this.#random)).catch(() => {}); // its connection was ended
    this.#reports.add(report);
    void report.then(() => this.#reports.delete(report));
  }
}

/** What a device says: a thermostat crosses its target of 21 °C again and again, and is commanded each time. */
function readings(device: Device, random: Random): Record<string, unknown> {
  switch (device.kind) {
    case 'thermostat': {
      // Steps that are smaller than those of an open window
      const temperature = random.chance(0.5) ? random.int(200, 205) : random.int(214, 217);
      return { temperature: temperature / 10, ...device.state() };
    }
    case 'relay':
      return { power: random.int(0, 2_000), ...device.state() };
    case 'sensor':
      return { temperature: random.int(-100, 350) / 10, humidity: random.int(20, 90) };
  }
}
