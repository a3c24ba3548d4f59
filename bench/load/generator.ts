/** The load generator: a process of its own that plays a fleet of devices. Orders come over IPC. */
import { summary } from '../statistics.ts';
import {
  type Device,
  deviceNumber,
  type FleetShape,
  fleetOf,
  homeOf,
  sensorReport,
  thermostatReport,
  thermostatsOf,
} from './fleet.ts';
import type { Load, Order, Result } from './protocol.ts';
import { WireClient } from './wire-client.ts';

const TICK_MS = 1;
/** Publishes between two looks at the sockets. */
const BURST = 200;
const DRAIN_MS = 10_000;

class Generator {
  readonly #clients: WireClient[];
  readonly #fleet: Device[];
  readonly #markers: Device[];
  /** Called with the moment of the report that is answered. */
  #onAnswer: (device: Device, reportedAt: number) => void = () => {};
  #onSuperseded: () => void = () => {};
  #unacknowledged = 0;
  #acknowledgedAll: (() => void) | null = null;

  private constructor(clients: WireClient[], shape: FleetShape) {
    this.#clients = clients;
    this.#fleet = fleetOf(shape);
    this.#markers = shape.kind === 'thermostat' ? this.#fleet : fleetOf(thermostatsOf(shape));
    for (const client of clients) {
      client.onMessage = (topic, payload) => this.#command(topic, payload);
      client.onPuback = () => {
        if (--this.#unacknowledged === 0) this.#acknowledgedAll?.();
      };
    }
  }

  static async connect(order: Order & { type: 'connect' }): Promise<Generator> {
    const { url, connections, fleet } = order;
    const clients: WireClient[] = [];
    for (let n = 0; n < connections; n++) {
      clients.push(await WireClient.connect(url, `load-${fleet.prefix}-${process.pid}-${n}`));
    }
    const shape = thermostatsOf(fleet);
    for (let home = 0; home < shape.homes; home++) {
      const client = clients[home % clients.length];
      await client?.subscribe(`homeostat/${homeOf(shape, home)}/thermostat/+/command`);
    }
    return new Generator(clients, fleet);
  }

  async introduce(who: 'all' | 'markers'): Promise<void> {
    const isOneFleet = who === 'markers' || this.#markers === this.#fleet;
    const all = isOneFleet ? this.#markers : this.#markers.concat(this.#fleet);
    for (let at = 0; at < all.length; at += 1_000) {
      for (const device of all.slice(at, at + 1_000)) this.#report(device);
      await this.#acknowledged();
    }
    for (const device of all) device.waiting.length = 0;
  }

  async run(load: Load, seconds: number, warmUpSeconds: number): Promise<Result> {
    const run = new Run(seconds, warmUpSeconds);
    this.#onSuperseded = () => run.superseded();
    switch (load.type) {
      case 'answered':
        await this.#answered(run);
        break;
      case 'paced':
        await this.#paced(run, load.perSecond);
        break;
      case 'marked':
        await this.#marked(run, load);
        break;
    }
    this.#onAnswer = () => {};
    this.#onSuperseded = () => {};
    return run.result();
  }

  async #answered(run: Run): Promise<void> {
    this.#onAnswer = (device, reportedAt) => {
      run.answered(reportedAt, 1);
      if (!run.isOver()) run.sent(this.#report(device));
    };
    for (const device of this.#fleet) run.sent(this.#report(device));
    await run.over();
    await this.#drained(run);
  }

  async #paced(run: Run, perSecond: number): Promise<void> {
    this.#onAnswer = (_device, reportedAt) => run.answered(reportedAt, 1);
    const began = performance.now();
    let next = 0;
    while (!run.isOver()) {
      const due = Math.floor(((performance.now() - began) * perSecond) / 1_000);
      for (; next < due; next++) {
        const device = this.#fleet[next % this.#fleet.length] as Device;
        // Counted from the moment at which it should have been sent: a generator that lags must show
        run.sent(this.#report(device, began + (next * 1_000) / perSecond));
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await this.#drained(run);
  }

  async #marked(run: Run, { spacing, part }: Load & { type: 'marked' }): Promise<void> {
    const fleet = part ? this.#fleet.slice(part.first, part.first + part.count) : this.#fleet;
    const free = [...this.#markers];
    let resume: (() => void) | null = null;
    this.#onAnswer = (device, reportedAt) => {
      run.answered(reportedAt, spacing);
      free.push(device);
      resume?.();
    };
    let at = 0;
    while (!run.isOver()) {
      const marker = free.shift();
      if (!marker) {
        await new Promise<void>((resolve) => {
          resume = resolve;
          run.onOver(resolve);
        });
        resume = null;
        continue;
      }
      for (let n = 1; n < spacing; n++) {
        const device = fleet[at] as Device;
        at = (at + 1) % fleet.length;
        run.sent(this.#report(device));
        if (n % BURST === 0) await turn();
      }
      run.sent(this.#report(marker));
      await turn();
    }
    await this.#drained(run);
  }

  /** Waits for the answers that are still on their way, so that the next run begins with none. */
  async #drained(run: Run): Promise<void> {
    const end = performance.now() + DRAIN_MS;
    while (run.waiting > 0 && performance.now() < end) {
      if (this.#markers.every(({ waiting }) => waiting.length === 0)) break;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    for (const device of this.#fleet) device.waiting.length = 0;
    for (const device of this.#markers) device.waiting.length = 0;
  }

  #report(device: Device, at = performance.now()): number {
    const client = this.#clients[device.home % this.#clients.length] as WireClient;
    const isMarker = this.#markers === this.#fleet || this.#markers[device.index] === device;
    const report = isMarker ? thermostatReport(device) : sensorReport(device);
    if (isMarker) device.waiting.push({ at, on: !device.warm });
    this.#unacknowledged++;
    client.publish(device.topic, report);
    return 1;
  }

  #command(topic: Buffer, payload: Buffer): void {
    const device = this.#markers[deviceNumber(topic)];
    if (!device) return;
    const on = payload.includes('"on":true');
    device.heating = on;
    // A report that came while the former waited for its turn replaces that one's command
    while (device.waiting[0] && device.waiting[0].on !== on) {
      device.waiting.shift();
      this.#onSuperseded();
    }
    const report = device.waiting.shift();
    if (report) this.#onAnswer(device, report.at);
  }

  async #acknowledged(): Promise<void> {
    if (this.#unacknowledged === 0) return;
    await new Promise<void>((resolve) => {
      this.#acknowledgedAll = resolve;
    });
    this.#acknowledgedAll = null;
  }
}

/** What one run counts, without its warm-up. */
class Run {
  waiting = 0;
  readonly #from: number;
  readonly #to: number;
  #sent = 0;
  #answered = 0;
  #answeredInAll = 0;
  #superseded = 0;
  #latencies: number[] = [];

  constructor(seconds: number, warmUpSeconds: number) {
    this.#from = performance.now() + warmUpSeconds * 1_000;
    this.#to = this.#from + seconds * 1_000;
  }

  sent(count: number): void {
    this.waiting += count;
    const now = performance.now();
    if (now >= this.#from && now < this.#to) this.#sent += count;
  }

  superseded(): void {
    this.waiting--;
    this.#superseded++;
  }

  answered(sentAt: number, count: number): void {
    this.waiting -= count;
    this.#answeredInAll += count;
    const now = performance.now();
    if (now < this.#from || now >= this.#to) return;
    this.#answered += count;
    if (sentAt >= this.#from) this.#latencies.push(now - sentAt);
  }

  isOver(): boolean {
    return performance.now() >= this.#to;
  }

  onOver(callback: () => void): void {
    setTimeout(callback, Math.max(0, this.#to - performance.now()));
  }

  over(): Promise<void> {
    return new Promise((resolve) => this.onOver(resolve));
  }

  result(): Result {
    const seconds = (this.#to - this.#from) / 1_000;
    return {
      perSecond: this.#answered / seconds,
      sent: this.#sent,
      answered: this.#answered,
      latency: summary(this.#latencies),
      answeredInAll: this.#answeredInAll,
      superseded: this.#superseded,
    };
  }
}

/** Lets the sockets speak. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let generator: Generator | null = null;

async function obey(order: Order): Promise<Result | null> {
  if (order.type === 'connect') {
    generator = await Generator.connect(order);
    return null;
  }
  if (!generator) throw new Error('not connected');
  if (order.type === 'introduce') {
    await generator.introduce(order.who);
    return null;
  }
  return generator.run(order.load, order.seconds, order.warmUpSeconds);
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => process.send?.({ type: 'done', result }),
    (error: unknown) => process.send?.({ type: 'failed', error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
