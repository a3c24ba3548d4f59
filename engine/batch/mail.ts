import type { Address, Envelope, Receipt } from '../model/envelope.ts';
import type { EngineError } from '../model/errors.ts';

/** Who waits for the receipt: several senders where telemetry was folded. */
export interface Waiting {
  resolve: (receipt: Receipt) => void;
  reject: (error: EngineError) => void;
}

/** Something that waits for its shard. */
export type Mail =
  | { type: 'envelope'; envelope: Envelope; waiting: Waiting[] }
  /** A twin whose stored deadline may have come. */
  | { type: 'wake'; address: Address }
  /** Work on the store that must not meet a batch of the same home: deletion, a stored home. */
  | { type: 'task'; home: string; run: () => Promise<void> };
