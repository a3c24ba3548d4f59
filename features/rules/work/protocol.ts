/** What the server's thread and one beside it say to each other. One job at a time. */
import type { ReadingStorage, ToldError } from '../../../engine/index.ts';
import type { JobName } from './jobs.ts';

/** What a thread has to know at its start. */
export interface Beginning {
  /** The folder of the operator's kinds; null: none. */
  kindsDir: string | null;
}

export type ToThread =
  | { type: 'job'; job: JobName; input: unknown }
  | { type: 'answer'; ask: number; value: unknown }
  | { type: 'no answer'; ask: number; error: ToldError };

export type FromThread =
  | { type: 'ask'; ask: number; verb: keyof ReadingStorage; args: unknown[] }
  | { type: 'done'; output: unknown }
  | { type: 'failed'; error: ToldError };
