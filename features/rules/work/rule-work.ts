/** Who does the long work with rules: threads of their own where the server runs, this one in tests. */
import type { Reader } from '../../../engine/index.ts';
import { type InputOf, type JobName, jobs, type OutputOf } from './jobs.ts';

/** Whose work it is. */
export interface Caller {
  /** The account on which it counts: see `accountOf`. */
  account: string;
  /** Aborted: nobody waits for it any more. Absent: somebody always does. */
  signal?: AbortSignal;
}

/** Does a job for a caller. @throws EngineError, FeatureError `too-many-requests`, `unavailable`, `too-large` */
export type RunJob = <N extends JobName>(job: N, input: InputOf<N>) => Promise<OutputOf<N>>;

export interface RuleWork extends AsyncDisposable {
  for(caller: Caller): RunJob;
  /** Jobs under way, and those that wait. */
  load(): { running: number; waiting: number };
}

/** Does the work in this thread, without limits. */
export function workHere(reader: Reader): RuleWork {
  const runJob: RunJob = (job, input) =>
    (jobs[job] as (reader: Reader, input: unknown) => Promise<never>)(reader, input);
  return {
    for: () => runJob,
    load: () => ({ running: 0, waiting: 0 }),
    [Symbol.asyncDispose]: async () => {},
  };
}
