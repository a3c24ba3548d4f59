import { connectAsync, type MqttClient } from 'mqtt';
import { seededRandom } from './physics.ts';
import { type DeviceMessage, SimulatedRoom } from './room.ts';

export interface FleetOptions {
  /** The broker, `mqtt://host:port`. */
  url: string;
  root: string;
  /** Home → names of its rooms. */
  homes: Record<string, readonly string[]>;
  /** Real ms between two reports of a room. */
  intervalMs: number;
  /** Simulated seconds per real second. */
  speed: number;
  seed: number;
  username?: string | undefined;
  password?: string | undefined;
}

export interface FleetCounts {
  rooms: number;
  published: number;
  acknowledged: number;
  commands: number;
  connected: boolean;
}

/** Reports are spread over the interval in this many steps, so that they do not come in one burst. */
const STEPS = 20;

/** Many rooms whose devices speak real MQTT to a broker, through one connection. */
export class Fleet implements AsyncDisposable {
  readonly counts: FleetCounts;
  readonly #options: FleetOptions;
  readonly #client: MqttClient;
  readonly #rooms: { home: string; room: SimulatedRoom; passedAt: number }[] = [];
  readonly #byThermostat = new Map<string, SimulatedRoom>();
  #timer: NodeJS.Timeout | undefined;
  #step = 0;

  private constructor(options: FleetOptions, client: MqttClient) {
    this.#options = options;
    this.#client = client;
    const random = seededRandom(options.seed);
    const now = Date.now();
    for (const [home, names] of Object.entries(options.homes)) {
      for (const name of names) {
        const room = new SimulatedRoom(name, random);
        this.#rooms.push({ home, room, passedAt: now });
        this.#byThermostat.set(`${home}/${room.thermostat}`, room);
      }
    }
    this.counts = {
      rooms: this.#rooms.length,
      published: 0,
      acknowledged: 0,
      commands: 0,
      connected: true,
    };
  }

  /** Connects and begins to report. @throws when the broker cannot be reached */
  static async start(options: FleetOptions): Promise<Fleet> {
    const { url, root, username, password } = options;
    const client = await connectAsync(url, {
      protocolVersion: 4,
      clientId: `homeostat-fleet-${options.seed}-${process.pid}`,
      clean: true,
      reconnectPeriod: 1_000,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    });
    const fleet = new Fleet(options, client);
    client.on('error', () => {
      // The client reconnects by itself; the progress line shows that it is away
      fleet.counts.connected = false;
    });
    client.on('connect', () => {
      fleet.counts.connected = true;
    });
    client.on('close', () => {
      fleet.counts.connected = false;
    });
    client.on('message', (topic, payload) => fleet.#receive(topic, payload));
    for (const home of Object.keys(options.homes)) {
      await client.subscribeAsync(`${root}/${home}/thermostat/+/command`, { qos: 1 });
    }
    fleet.#announce();
    fleet.#timer = setInterval(() => fleet.#tick(), options.intervalMs / STEPS);
    return fleet;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.endAsync();
  }

  #announce(): void {
    for (const { home, room } of this.#rooms) {
      for (const message of room.report(true)) this.#publish(home, message);
    }
  }

  #tick(): void {
    this.#step = (this.#step + 1) % STEPS;
    const now = Date.now();
    for (let index = this.#step; index < this.#rooms.length; index += STEPS) {
      const entry = this.#rooms[index];
      if (!entry) continue;
      const seconds = ((now - entry.passedAt) / 1_000) * this.#options.speed;
      entry.passedAt = now;
      entry.room.pass(seconds, solarHour(now, this.#options.speed));
      for (const message of entry.room.report()) this.#publish(entry.home, message);
    }
  }

  #receive(topic: string, payload: Buffer): void {
    const [, home, , twin] = topic.split('/');
    const room = this.#byThermostat.get(`${home}/${twin}`);
    if (!room || home === undefined) return;
    this.counts.commands++;
    const command = JSON.parse(payload.toString()) as Parameters<SimulatedRoom['obey']>[0];
    for (const message of room.obey(command)) this.#publish(home, message);
  }

  #publish(home: string, { kind, twin, channel, payload }: DeviceMessage): void {
    const topic = `${this.#options.root}/${home}/${kind}/${twin}/${channel}`;
    this.counts.published++;
    this.#client.publish(topic, JSON.stringify(payload), { qos: 1 }, (error) => {
      if (!error) this.counts.acknowledged++;
    });
  }
}

/** The hour of the simulated day: real time, run faster. */
function solarHour(now: number, speed: number): number {
  return ((((now / 3_600_000) * speed) % 24) + 24) % 24;
}
