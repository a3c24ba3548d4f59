/** Who asks, and with which idempotency key. */
export interface Requester {
  principal: string;
  source: string;
  /** `Idempotency-Key`; makes a repeated request a duplicate. */
  key?: string;
  ifRevision?: number;
}

/** The requester of a further step of one request: the key and the revision were spent on the first. */
export function unconditional({ principal, source }: Requester): Requester {
  return { principal, source };
}
