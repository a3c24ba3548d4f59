/** What the engine's thread and the one with the connection say to each other. */
import type { ToldError } from '../../model/told-error.ts';
import type { StorageOptions } from '../port.ts';
import type { SqliteOperations } from './operations.ts';

/** What the thread has to know at its start. */
export interface Beginning {
  path: string;
  options: StorageOptions;
}

export type Operation = keyof SqliteOperations;

export type ToThread =
  | { type: 'ask'; ask: number; operation: Operation; args: unknown[] }
  /** Close the connection, and end. What was asked before is done first. */
  | { type: 'close' };

export type FromThread =
  /** Told before the database is open: a migration begins. */
  | { type: 'migrating'; name: string }
  /** The connection is open, and these may be asked. */
  | { type: 'open'; operations: Operation[] }
  | { type: 'not open'; error: ToldError }
  | { type: 'answer'; ask: number; value: unknown }
  | { type: 'no answer'; ask: number; error: ToldError };
