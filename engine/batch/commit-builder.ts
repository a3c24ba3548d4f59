import type { HomeChange } from '../log/change.ts';
import { changesOf } from '../log/changes-of.ts';
import type { Envelope, Receipt } from '../model/envelope.ts';
import type { EngineError } from '../model/errors.ts';
import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  DeliveryRow,
  HomeRow,
  IntentWrite,
  LogRow,
  RelationWrite,
  RollupRow,
  TwinRow,
} from '../model/rows.ts';
import type { EngineSignals } from '../model/telemetry.ts';
import type { Send } from '../outbox/sends.ts';
import type { Commit, Wake } from '../storage/port.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { mergeStats } from '../turn/rollups.ts';
import type { Turned } from '../turn/turned.ts';
import type { Waiting } from './mail.ts';

/** The rows of a commit, before it has its place in the log. */
export interface Rows
  extends Omit<Commit, 'writer' | 'epoch' | 'seq' | 'cursors' | 'journal' | 'intents'> {
  journal: LogRow[];
  intents: IntentWrite[];
}

/** What a turn sends out. */
export interface Sending {
  row: DeliveryRow;
  turn: LogRow;
}

export type Signal = {
  [N in keyof EngineSignals]: { name: N; fields: EngineSignals[N] };
}[keyof EngineSignals];

export interface Settled {
  waiting: Waiting[];
  receipt: Receipt;
}

/** What a batch comes to: the rows to store, and what to say once they are stored. */
export class CommitBuilder {
  readonly receipts: Settled[] = [];
  readonly signals: Signal[] = [];
  /** The signals that count, by status and source. */
  #settled = new Map<string, EngineSignals['events.settled']>();
  #turned: Turned[] = [];
  #journal: LogRow[] = [];
  #sendings: Sending[] = [];
  #withdrawn = new Set<string>();
  #intents = new Map<string, IntentWrite>();
  #alerts = new Map<string, AlertRow>();
  #rollups = new Map<string, RollupRow>();
  #checkpoints: CheckpointRow[] = [];
  #relations = new Map<string, RelationWrite>();
  #deadLetters: DeadLetterRow[] = [];
  #candidates = new Map<string, CandidateRow>();
  #homes: HomeRow[] = [];

  turn(turned: Turned): void {
    this.#turned.push(turned);
    this.#journal.push(turned.journal);
    for (const id of turned.withdrawn) this.#withdrawn.add(id);
    for (const row of turned.deliveries) this.#sendings.push({ row, turn: turned.journal });
    for (const intent of turned.intents) this.#intents.set(intent.id, intent);
    for (const alert of turned.alerts) this.#alerts.set(alert.id, alert);
    for (const row of turned.rollups) {
      const key = `${row.home}/${row.twin}/${row.measurement}/${row.resolution}/${row.start}`;
      const known = this.#rollups.get(key);
      this.#rollups.set(key, known ? mergeStats(known, row) : row);
    }
  }

  checkpoint({ home, twin, revision, kind, version, state }: LiveTwin, at: number): void {
    this.#checkpoints.push({ home, twin, revision, kind, version, state, at });
  }

  home(home: HomeRow): void {
    this.#homes.push(home);
  }

  /** Sets a relation of a twin; of several of one name in one batch the last counts. */
  relation(write: RelationWrite): void {
    this.#relations.set(`${write.home}/${write.twin} ${write.name}`, write);
  }

  /** A device that waits to be claimed has spoken. */
  candidate(envelope: Envelope, kind: string, now: number): void {
    const key = `${envelope.home}/${envelope.twin}`;
    const known = this.#candidates.get(key);
    this.#candidates.set(key, {
      home: envelope.home,
      twin: envelope.twin,
      kind,
      via: envelope.via ?? null,
      firstSeenAt: known?.firstSeenAt ?? now,
      lastSeenAt: now,
      messages: (known?.messages ?? 0) + (envelope.folded?.samples ?? 1),
      lastEvent: envelope.event,
    });
  }

  deadLetter(letter: DeadLetterRow): void {
    this.#deadLetters.push(letter);
    const { code, home, twin, error } = letter;
    this.signal('dead-letter.kept', { code, home, twin, error });
  }

  settle(envelope: Envelope, waiting: Waiting[] | null, receipt: Receipt): void {
    const { status } = receipt;
    const source = sourceOf(envelope);
    const key = `${status} ${source}`;
    const settled = this.#settled.get(key);
    if (settled) settled.count++;
    else {
      const fields = { status, source, count: 1 };
      this.#settled.set(key, fields);
      this.signal('events.settled', fields);
    }
    if (waiting) this.receipts.push({ waiting, receipt });
  }

  signal<N extends keyof EngineSignals>(name: N, fields: EngineSignals[N]): void {
    this.signals.push({ name, fields } as Signal);
  }

  get turns(): number {
    return this.#journal.length;
  }

  rows(twins: TwinRow[], wakes: Wake[]): Rows {
    return {
      homes: this.#homes,
      twins,
      wakes,
      journal: this.#journal,
      withdrawn: [...this.#withdrawn],
      intents: [...this.#intents.values()].filter(({ endedAt }) => endedAt !== null),
      alerts: [...this.#alerts.values()],
      rollups: [...this.#rollups.values()],
      checkpoints: this.#checkpoints,
      relations: [...this.#relations.values()],
      deadLetters: this.#deadLetters,
      candidates: [...this.#candidates.values()],
    };
  }

  /** What this very batch has asked for and taken back again never leaves it. */
  sendings(): Sending[] {
    return this.#sendings.filter(({ row }) => !this.#withdrawn.has(row.id));
  }

  /** Built on demand: most of the time nobody watches. In the order of the log, in which the turns have their places by now. */
  changes(sendOf: (id: string) => Send, isFollowed: (home: string) => boolean): HomeChange[] {
    return this.#turned.flatMap((turned) =>
      isFollowed(turned.twin.home) ? changesOf(turned, turned.journal, ({ id }) => sendOf(id)) : [],
    );
  }
}

export function deadLetter(
  id: string,
  envelope: Envelope,
  error: EngineError,
  now: number,
): DeadLetterRow {
  return {
    id,
    home: envelope.home,
    twin: envelope.twin,
    source: sourceOf(envelope),
    code: error.code,
    error: error.message,
    hint: error.hint ?? null,
    at: now,
    attempts: 1,
    content: { type: 'envelope', envelope },
  };
}

/** The door, for counting: twins that tell are one. */
function sourceOf({ source }: Envelope): string {
  return source.includes('/') ? 'twin' : source;
}
