/** Who asks, and with which idempotency key. */
export interface Requester {
  principal: string;
  source: string;
  /** `Idempotency-Key`; makes a repeated request a duplicate. */
  key?: string;
  ifRevision?: number;
}
