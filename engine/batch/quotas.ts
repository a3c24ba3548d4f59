/** How much of the server one home may take, and what a home that has taken it is told. */

import type { Envelope } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Census } from '../storage/port.ts';
import type { Turned } from '../turn/turned.ts';
import { DAY_MS } from './journal-days.ts';

/** 0: any number. */
export interface HomeQuotas {
  /** Twins of a home, of all kinds. */
  twins: number;
  /** The quotas of kinds: the most twins of one kind in a home. */
  ofKinds: readonly { quota: string; kind: string; limit: number }[];
  /** Bytes that the turns of a home may add to the journal in a day (UTC), about. */
  journalBytes: number;
  /** Homes for which none of this counts. */
  isExempt: (home: string) => boolean;
}

/** What a home has of something. `limit` null: any number. */
export interface Usage {
  quota: string;
  used: number;
  limit: number | null;
}

const NONE: HomeQuotas = { twins: 0, ofKinds: [], journalBytes: 0, isExempt: () => false };
export const JOURNAL_BYTES = 'journal-bytes';
/** Events of devices other than telemetry go on until a home has written so many times its limit. */
const EVENTS_UNTIL = 2;
/** What a device says of its link and of commands costs little and others wait for it. */
const ALWAYS_HEARD: ReadonlySet<string> = new Set(['ack', 'status']);

export class Quotas {
  readonly #quotas: HomeQuotas;

  constructor(quotas: Partial<HomeQuotas> = {}) {
    this.#quotas = { ...NONE, ...quotas };
  }

  /** Whether the twins of a home have to be counted before another comes into being. */
  countsTwins(home: string): boolean {
    const { twins, ofKinds, isExempt } = this.#quotas;
    return (twins > 0 || ofKinds.some(({ limit }) => limit > 0)) && !isExempt(home);
  }

  /** Whether what a home writes has to be counted. */
  countsJournal(home: string): boolean {
    const { journalBytes, isExempt } = this.#quotas;
    return journalBytes > 0 && !isExempt(home);
  }

  /**
   * @param census of the home, without the twin that is to come
   * @throws EngineError `quota-exceeded`
   */
  assertRoom(home: string, kind: string, census: Census): void {
    if (!this.countsTwins(home)) return;
    for (const { quota, used, limit } of this.#twinsOf(census, kind)) {
      if (limit === 0 || used < limit) continue;
      throw new EngineError(
        'quota-exceeded',
        `the home ${home} has ${used} ${quota}, and ${limit} at most`,
        {
          hint: 'Delete what nobody uses any more, or ask whoever runs the server for more room.',
          quota: { quota, limit, used },
        },
      );
    }
  }

  /**
   * A home that has written its share of the day has its telemetry refused, and its devices' events once it has
   * written twice as much. What raises or ends a critical alert always passes, and so does all that people do.
   * @param used bytes that the home has written today
   * @throws EngineError `quota-exceeded`
   */
  assertMayWrite(envelope: Envelope, used: number, now: number, turned: Turned): void {
    const { journalBytes: limit } = this.#quotas;
    const { home, sender, event } = envelope;
    if (used < limit || sender === 'engine') return;
    if (event.type !== 'telemetry') {
      const isOfDevice = sender === 'device' || sender === 'message';
      if (!isOfDevice || ALWAYS_HEARD.has(event.type) || used < EVENTS_UNTIL * limit) return;
    }
    if (turned.alerts.some(({ severity }) => severity === 'critical')) return;
    throw new EngineError(
      'quota-exceeded',
      `the home ${home} has added ${used} bytes to its journal today, and ${limit} is its share`,
      {
        hint: 'Its devices are heard again from 00:00 UTC on; critical alerts, commands and what people do go on meanwhile. Let devices report less often, or ask whoever runs the server for more room.',
        quota: { quota: JOURNAL_BYTES, limit, used, retryAfterMs: DAY_MS - (now % DAY_MS) },
      },
    );
  }

  /** @param journalBytes written today */
  usage(home: string, census: Census, journalBytes: number): Usage[] {
    const isExempt = this.#quotas.isExempt(home);
    const limitOf = (limit: number) => (limit === 0 || isExempt ? null : limit);
    const written = { quota: JOURNAL_BYTES, used: journalBytes, limit: this.#quotas.journalBytes };
    return [...this.#twinsOf(census, null), written].map((usage) => ({
      ...usage,
      limit: limitOf(usage.limit),
    }));
  }

  /** @param kind null: each */
  #twinsOf(census: Census, kind: string | null): (Usage & { limit: number })[] {
    const { twins, ofKinds } = this.#quotas;
    let all = 0;
    for (const count of census.values()) all += count;
    const concerned = ofKinds.filter((one) => kind === null || one.kind === kind);
    return [
      { quota: 'twins', used: all, limit: twins },
      ...concerned.map(({ quota, kind: of, limit }) => ({
        ...{ quota, used: census.get(of) ?? 0, limit },
      })),
    ];
  }
}
