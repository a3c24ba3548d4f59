/**
 * The typed catalogue of what the engine tells about itself. Logging and metrics subscribe to it;
 * nothing else in the engine logs. Durations in ms, times in epoch ms.
 */
export interface EngineSignals {
  /** A batch has been committed. */
  'batch.committed': {
    shard: number;
    envelopes: number;
    turns: number;
    foldMs: number;
    commitMs: number;
  };
  /** A commit could not be stored and is tried again. */
  'commit.retried': { shard: number; attempt: number; error: string };
  /** So many events of a batch reached this end. */
  'events.settled': {
    status: 'accepted' | 'duplicate' | 'ignored' | 'rejected';
    source: string;
    count: number;
  };
  /** Telemetry beyond a twin's budget was folded into one row. */
  'telemetry.folded': { twin: string; samples: number };
  'timer.fired': { twin: string; timer: string; lateMs: number };
  'timer.skipped': { twin: string; timer: string; lateMs: number };
  'delivery.settled': {
    destination: string;
    outcome: 'delivered' | 'dropped' | 'dead';
    waitedMs: number;
  };
  'delivery.postponed': { destination: string; attempts: number; error: string };
  'dead-letter.kept': { code: string; home: string | null; twin: string | null; error: string };
  /** Dead letters that could not even be stored. */
  'dead-letter.lost': { code: string; error: string };
  'twin.created': { twin: string; kind: string; source: string };
  /** A home has as much as it may. */
  'quota.refused': { quota: string };
  /** A projection has applied a slice of the log. */
  'projection.applied': { projection: string; turns: number; rows: number; tookMs: number };
  /** A projection cannot take a turn, and goes on without it. */
  'projection.left-out': { projection: string; turn: string; error: string };
  /** A projection could not go on, and tries again. */
  'projection.failed': { projection: string; attempt: number; error: string };
  /** A projection was built from the log, and answers from now on. */
  'projection.built': { projection: string; generation: number; version: number; tookMs: number };
  'ownership.lost': { owner: string };
  'engine.started': { shards: number; epoch: number };
  'engine.stopped': { drainedMs: number };
  /** Something failed where nobody waits for an answer. */
  'background.failed': { task: string; error: unknown };
}

type Listener = <N extends keyof EngineSignals>(name: N, fields: EngineSignals[N]) => void;

/** Hands signals to whoever subscribed; a listener must not throw. */
export class EngineTelemetry {
  #listeners: Listener[] = [];

  subscribe(listener: Listener): void {
    this.#listeners.push(listener);
  }

  emit<N extends keyof EngineSignals>(name: N, fields: EngineSignals[N]): void {
    for (const listener of this.#listeners) listener(name, fields);
  }
}
