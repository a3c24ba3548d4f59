import { type Engine, EngineError, type EventData } from '../../../engine/index.ts';
import type { GatewayAccounts } from '../../contract/access.ts';
import type { DeviceDays } from './device-days.ts';
import { type DeviceReport, dispatchReports } from './device-reports.ts';

/** One device’s readings of one day, in the order of their time. */
export interface DayLog {
  device: string;
  /** `2026-01-05`, by the clock of the home. */
  date: string;
  readings: readonly Reading[];
}

interface Reading {
  /** Epoch ms. */
  at: number;
  values: Omit<EventData, 'type'>;
}

/** What became of a log. */
export interface DayLogResult {
  device: string;
  date: string;
  /** `already`: this day of this device has been brought before, and counts once. */
  status: 'accepted' | 'already' | 'refused';
  /** Readings that count. */
  accepted: number;
  refused: number;
  /** Why the log, or some of its readings, do not count. */
  reasons: { reading?: number; reason: string }[];
}

interface Worker {
  id: string;
  home: string;
  /** The principal, as journals name it. */
  principal: string;
}

/**
 * Readings taken together. After a fall the last ones may come twice, and a twin remembers the ids of its
 * last 64 events: a quarter of them leaves room for others that come meanwhile.
 */
const TOGETHER = 16;
/** A day begins between 14 hours before and 12 hours after that of Greenwich. */
const EARLIEST_MS = 14 * 60 * 60_000;
const LATEST_MS = 36 * 60 * 60_000;
const MAX_REASONS = 20;
const NOT_ASSIGNED = 'this device is not assigned to the gateway';

interface DayLogsOptions {
  engine: Engine;
  gateways: Pick<GatewayAccounts, 'speakerFor'>;
  days: DeviceDays;
}

/** Takes the logs that gateways upload day by day, each day of each device once. */
export class DayLogs {
  readonly #options: DayLogsOptions;
  /** Days that are being taken just now. */
  #underway = new Set<string>();

  constructor(options: DayLogsOptions) {
    this.#options = options;
  }

  /** Each log by itself: one that is refused keeps no other from counting. */
  async take(worker: Worker, logs: readonly DayLog[]): Promise<DayLogResult[]> {
    return await Promise.all(logs.map((log) => this.#one(worker, log)));
  }

  async #one(worker: Worker, log: DayLog): Promise<DayLogResult> {
    const { device, date } = log;
    const key = `${worker.home}/${device} ${date}`;
    const life = await this.#lifeFor(worker, device);
    if (life === null) return refusal(log, NOT_ASSIGNED);
    if (this.#underway.has(key)) return refusal(log, 'this day is being uploaded already');
    this.#underway.add(key);
    try {
      const day = await this.#options.days.read(worker.home, device, date);
      if (day.isDone) return { ...counts(log, day), status: 'already', reasons: [] };
      return await this.#rest(worker, log, day, life);
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'unknown-twin')) throw error;
      return refusal(log, NOT_ASSIGNED);
    } finally {
      this.#underway.delete(key);
    }
  }

  /** The incarnation of a twin that the gateway speaks for; null: it speaks for none of that name. */
  async #lifeFor({ id, home }: Worker, device: string): Promise<string | null> {
    const { engine, gateways } = this.#options;
    if (gateways.speakerFor(home, device)?.id !== id) return null;
    return (await engine.readTwin({ home, twin: device }))?.row.incarnation ?? null;
  }

  /** Goes on where it broke off, and remembers after each step how far it has come. */
  async #rest(
    worker: Worker,
    log: DayLog,
    { taken: from, refused: before }: { taken: number; refused: number },
    life: string,
  ): Promise<DayLogResult> {
    const { days } = this.#options;
    const { device, date, readings } = log;
    const reasons: DayLogResult['reasons'] = [];
    const so = { taken: from, refused: before, isDone: false };
    while (!so.isDone) {
      // Its right may end, and the name may get another twin, while a long log is taken
      if ((await this.#lifeFor(worker, device)) !== life) return refusal(log, NOT_ASSIGNED);
      const some = readings.slice(so.taken, so.taken + TOGETHER);
      const objections = await this.#some(worker, log, some, so.taken);
      for (const [index, reason] of objections.entries()) {
        if (reason === null) continue;
        so.refused++;
        if (reasons.length < MAX_REASONS) reasons.push({ reading: so.taken + index, reason });
      }
      so.taken += some.length;
      so.isDone = so.taken >= readings.length;
      if ((await this.#lifeFor(worker, device)) !== life) return refusal(log, NOT_ASSIGNED);
      await days.write(worker.home, device, date, so);
    }
    return { ...counts(log, so), status: 'accepted', reasons };
  }

  async #some(
    { home, principal }: Worker,
    { device, date }: DayLog,
    readings: readonly Reading[],
    first: number,
  ): Promise<(string | null)[]> {
    const begin = Date.parse(`${date}T00:00:00Z`);
    const objections = readings.map(({ at }) =>
      at >= begin - EARLIEST_MS && at < begin + LATEST_MS
        ? null
        : `${new Date(at).toISOString()} is not on ${date}`,
    );
    const good = readings.flatMap(({ at, values }, index): [number, DeviceReport][] => {
      if (objections[index] !== null) return [];
      const id = `log ${date} ${first + index}`;
      const event = { ...values, type: 'telemetry' };
      return [[index, { home, twin: device, event, at, id, principal }]];
    });
    const verdicts = await dispatchReports(
      this.#options.engine,
      good.map(([, report]) => report),
    );
    for (const [place, [index]] of good.entries()) objections[index] = verdicts[place] ?? null;
    return objections;
  }
}

function counts({ device, date }: DayLog, { taken, refused }: { taken: number; refused: number }) {
  return { device, date, accepted: taken - refused, refused };
}

function refusal({ device, date, readings }: DayLog, reason: string): DayLogResult {
  const refused = readings.length;
  return { device, date, status: 'refused', accepted: 0, refused, reasons: [{ reason }] };
}
