import type { Clock } from '../model/clock.ts';
import type { EngineTelemetry } from '../model/telemetry.ts';
import type { Storage } from '../storage/port.ts';
import type { RetentionDays } from './engine-options.ts';

const EVERY_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

export interface MaintenanceOptions {
  storage: Storage;
  clock: Clock;
  telemetry: EngineTelemetry;
  retention: RetentionDays;
  /** The position up to which every reader of the log has come. */
  readUpTo: () => Promise<number>;
}

/** Upkeep of the store, at start and every hour: makes room for what comes, drops what is too old. */
export class Maintenance implements AsyncDisposable {
  readonly #options: MaintenanceOptions;
  #next: Disposable | null = null;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#next?.[Symbol.dispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { storage, clock, telemetry, retention, readUpTo } = this.#options;
    const now = clock.now();
    try {
      await storage.maintain({
        now,
        journalBefore: now - retention.journal * DAY_MS,
        readUpTo: await readUpTo(),
        rollupsBefore: now - retention.rollups * DAY_MS,
        endedBefore: now - retention.ended * DAY_MS,
      });
    } catch (error) {
      // The next hour tries again; until then the store only holds more than it has to
      telemetry.emit('background.failed', { task: 'maintenance', error });
    }
    if (this.#closed) return;
    this.#next = clock.delay(EVERY_MS, () => {
      this.#running = this.#run();
    });
  }
}
