/** What the server's thread and one beside it say to each other. One job at a time. */
import { EngineError, type ErrorCode, messageOf, type ReadingStorage } from '../../engine/index.ts';
import type { JobName } from './jobs.ts';

/** What a thread has to know at its start. */
export interface Beginning {
  /** The folder of the operator's kinds; null: none. */
  kindsDir: string | null;
}

export type ToThread =
  | { type: 'job'; job: JobName; input: unknown }
  | { type: 'answer'; ask: number; value: unknown }
  | { type: 'no answer'; ask: number; error: Told };

export type FromThread =
  | { type: 'ask'; ask: number; verb: keyof ReadingStorage; args: unknown[] }
  | { type: 'done'; output: unknown }
  | { type: 'failed'; error: Told };

/** An error as a message. */
export interface Told {
  code: ErrorCode | null;
  message: string;
  hint?: string;
  stack?: string;
}

export function tell(thrown: unknown): Told {
  if (thrown instanceof EngineError) {
    const { code, message, hint } = thrown;
    return { code, message, ...(hint !== undefined && { hint }) };
  }
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return { code: null, message: messageOf(thrown), ...(stack !== undefined && { stack }) };
}

export function heard({ code, message, hint, stack }: Told): Error {
  if (code !== null) return new EngineError(code, message, { ...(hint !== undefined && { hint }) });
  return new Error(message, { cause: stack });
}
