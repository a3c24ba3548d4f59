import type { Mail, Waiting } from '../batch/mail.ts';
import { type Envelope, idHash, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { own } from '../model/own.ts';

/** How many ids are kept, of the events that one row stands for, for the deduplication window. */
const FOLDED_IDS = 64;

/** What a home that is isolated waits with, and what its last batch came to. */
interface RunJob {
  mail: Mail[];
  /** Turns to a mail. */
  cost: number;
  /** The earliest moment at which it rejoins the others, epoch ms. */
  until: number;
}

/**
 * What waits for one shard, in order of arrival, bounded. A device that floods cannot fill it:
 * telemetry of one twin beyond its budget is folded into the last waiting event of that twin,
 * which then says how many samples it stands for. Events, commands and telemetry with an id of its
 * sender's are never folded. A home in which much follows from each mail can be isolated: it has a
 * queue of its own then.
 */
export class Mailbox {
  #mail: Mail[] = [];
  #head = 0;
  #envelopes = 0;
  /** The mail of each isolated home, the home whose turn it is first. */
  #isolated = new Map<string, RunJob>();
  #isolatedMail = 0;
  /** Per twin: how many telemetry envelopes wait, and the last mail of that twin if it may be folded into. */
  #telemetry = new Map<string, { count: number; last: (Mail & { type: 'envelope' }) | null }>();
  #roomWanted: (() => void)[] = [];
  readonly #limit: number;
  readonly #telemetryBudget: number;
  /** Whether an event is well-formed telemetry of its kind, of measurable numbers: any other must fail alone. */
  readonly #foldable: (envelope: Envelope) => boolean;

  constructor(options: {
    limit: number;
    telemetryBudget: number;
    foldable: (envelope: Envelope) => boolean;
  }) {
    this.#limit = options.limit;
    this.#telemetryBudget = options.telemetryBudget;
    this.#foldable = options.foldable;
  }

  /** Envelopes that wait. */
  get depth(): number {
    return this.#envelopes;
  }

  /** Whether nothing waits but what is isolated. */
  get isEmpty(): boolean {
    return this.#head === this.#mail.length;
  }

  /** Whether nothing waits of homes that are isolated. */
  get isIsolatedEmpty(): boolean {
    return this.#isolatedMail === 0;
  }

  /** @throws EngineError `overloaded` when it is full */
  post(envelope: Envelope, waiting: Waiting): void {
    if (envelope.event.type === 'telemetry') {
      if (this.#foldIn(envelope, waiting)) return;
    } else {
      // Order within a twin: nothing is folded across another event
      const backlog = this.#telemetry.get(keyOf(envelope));
      if (backlog) backlog.last = null;
    }
    if (this.#envelopes >= this.#limit) {
      throw new EngineError('overloaded', `${this.#envelopes} events wait already`, {
        hint: 'Try again in a second. If it stays, the database is too slow for this load.',
      });
    }
    const mail: Mail & { type: 'envelope' } = { type: 'envelope', envelope, waiting: [waiting] };
    this.#enqueue(mail);
    this.#envelopes++;
    if (envelope.event.type !== 'telemetry') return;
    const key = keyOf(envelope);
    const backlog = this.#telemetry.get(key);
    if (backlog) {
      backlog.count++;
      backlog.last = mail;
    } else this.#telemetry.set(key, { count: 1, last: mail });
  }

  /** Wakes and tasks are the engine's own and few: they are never refused. */
  push(mail: Mail & { type: 'wake' | 'task' }): void {
    this.#enqueue(mail);
  }

  /**
   * Gives a home a queue of its own.
   * @param taken what was drained already of it and comes first
   * @param until when it may rejoin the others, epoch ms
   */
  isolate(home: string, taken: readonly Mail[], until: number): void {
    const isIts = (mail: Mail) => homeOf(mail) === home;
    const waiting = this.#mail.slice(this.#head);
    for (const mail of taken) if (mail.type === 'envelope') this.#enter(mail);
    const its = [...taken, ...waiting.filter(isIts)];
    this.#isolated.set(home, { mail: its, cost: Number.POSITIVE_INFINITY, until });
    this.#isolatedMail += its.length;
    this.#mail = waiting.filter((mail) => !isIts(mail));
    this.#head = 0;
  }

  /**
   * Takes, of the home that is isolated and has waited longest, mails that come to about so many turns, one at
   * least; null where none waits. A task comes alone.
   */
  drainIsolated(turns: number): { home: string; mail: Mail[] } | null {
    for (const [home, isolated] of this.#isolated) {
      if (isolated.mail.length === 0) continue;
      // The others first, next time
      this.#isolated.delete(home);
      this.#isolated.set(home, isolated);
      const most = Math.max(1, Math.floor(turns / isolated.cost));
      const task = isolated.mail.findIndex(({ type }) => type === 'task');
      const mail = isolated.mail.splice(0, task < 0 ? most : Math.min(most, Math.max(1, task)));
      this.#isolatedMail -= mail.length;
      for (const one of mail) if (one.type === 'envelope') this.#leave(one);
      this.#makeRoom();
      return { home, mail };
    }
    return null;
  }

  /**
   * What the last batch of a home that is isolated came to.
   * @param cost turns to a mail
   * @param until when it may rejoin the others, epoch ms; null where that stays as it was
   */
  charge(home: string, cost: number, until: number | null): void {
    const isolated = this.#isolated.get(home);
    if (!isolated) return;
    isolated.cost = Math.max(1, cost);
    isolated.until = until ?? isolated.until;
  }

  /** The home is like others again once it may, unless so much of it waits that others would wait for that. */
  rejoin(home: string, now: number): void {
    const isolated = this.#isolated.get(home);
    if (isolated?.mail.length === 0 && now >= isolated.until) this.#isolated.delete(home);
  }

  #enqueue(mail: Mail): void {
    const isolated = this.#isolated.get(homeOf(mail));
    if (isolated) {
      isolated.mail.push(mail);
      this.#isolatedMail++;
    } else this.#mail.push(mail);
  }

  /** Takes up to `limit` mails off the front. A task comes alone. */
  drain(limit: number): Mail[] {
    const taken: Mail[] = [];
    while (this.#head < this.#mail.length && taken.length < limit) {
      const mail = this.#mail[this.#head] as Mail;
      if (mail.type === 'task' && taken.length > 0) break;
      this.#head++;
      taken.push(mail);
      if (mail.type === 'task') break;
      if (mail.type === 'envelope') this.#leave(mail);
    }
    // Cut the consumed front off only now and then: shift() would cost O(n) each
    if (this.#head > 1_024 || this.#head === this.#mail.length) {
      this.#mail = this.#mail.slice(this.#head);
      this.#head = 0;
    }
    this.#makeRoom();
    return taken;
  }

  /** Resolves when an envelope would be taken. */
  async hasRoom(): Promise<void> {
    while (this.#envelopes >= this.#limit) {
      await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
    }
  }

  #makeRoom(): void {
    if (this.#envelopes >= this.#limit || this.#roomWanted.length === 0) return;
    const wanted = this.#roomWanted;
    this.#roomWanted = [];
    for (const resume of wanted) resume();
  }

  /** Counts what comes back: nothing is folded into it any more. */
  #enter({ envelope }: Mail & { type: 'envelope' }): void {
    this.#envelopes++;
    if (envelope.event.type !== 'telemetry') return;
    const key = keyOf(envelope);
    const backlog = this.#telemetry.get(key);
    if (backlog) backlog.count++;
    else this.#telemetry.set(key, { count: 1, last: null });
  }

  #leave({ envelope }: Mail & { type: 'envelope' }): void {
    this.#envelopes--;
    if (envelope.event.type !== 'telemetry') return;
    const key = keyOf(envelope);
    const backlog = this.#telemetry.get(key);
    if (!backlog) return;
    backlog.count--;
    if (backlog.count <= 0) this.#telemetry.delete(key);
  }

  #foldIn(envelope: Envelope, waiting: Waiting): boolean {
    const backlog = this.#telemetry.get(keyOf(envelope));
    if (!backlog?.last || backlog.count < this.#telemetryBudget) return false;
    const { last } = backlog;
    // Who gives an event an id wants to find it again
    if (envelope.dedupe || last.envelope.dedupe) return false;
    // What is tried again keeps its dead letter, or loses it, for itself
    if (envelope.kept || last.envelope.kept) return false;
    if (!this.#foldable(envelope) || !this.#foldable(last.envelope)) return false;
    last.envelope = foldTelemetry(last.envelope, envelope);
    last.waiting.push(waiting);
    return true;
  }
}

export function homeOf(mail: Mail): string {
  switch (mail.type) {
    case 'envelope':
      return mail.envelope.home;
    case 'wake':
      return mail.address.home;
    case 'task':
      return mail.home;
  }
}

/** Two telemetry events of a twin as one: the later value of each field, and what both said in sum. */
function foldTelemetry(earlier: Envelope, later: Envelope): Envelope {
  const fields = { ...(earlier.folded?.fields ?? statsOf(earlier)) };
  for (const [name, stats] of Object.entries(statsOf(later))) {
    const known = own(fields, name);
    fields[name] = known
      ? {
          count: known.count + 1,
          sum: known.sum + stats.sum,
          min: Math.min(known.min, stats.min),
          max: Math.max(known.max, stats.max),
        }
      : stats;
  }
  const ids = [...(earlier.folded?.ids ?? [idHash(earlier.id)]), idHash(later.id)];
  return {
    ...later,
    at: Math.max(earlier.at, later.at),
    event: { ...earlier.event, ...later.event },
    folded: {
      samples: (earlier.folded?.samples ?? 1) + 1,
      ids: ids.slice(-FOLDED_IDS),
      fields,
    },
  };
}

function statsOf({ event }: Envelope) {
  const stats: NonNullable<Envelope['folded']>['fields'] = {};
  for (const [name, value] of Object.entries(event)) {
    // No schema lets a field `__proto__` through, and here it would not become one
    if (typeof value === 'number' && name !== '__proto__')
      stats[name] = { count: 1, sum: value, min: value, max: value };
  }
  return stats;
}
