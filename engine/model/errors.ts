/**
 * Every way in which the engine refuses or fails. `retryable` answers the one question a caller has:
 * try the same again later, or not. Expected outcomes (duplicate, ignored) are receipts, not errors.
 */
const CODES = {
  'bad-input': { retryable: false },
  'unknown-kind': { retryable: false },
  'unknown-event': { retryable: false },
  'unknown-twin': { retryable: false },
  'unknown-home': { retryable: false },
  unclaimed: { retryable: false },
  'not-found': { retryable: false },
  conflict: { retryable: false },
  'stale-revision': { retryable: false },
  'kind-invalid': { retryable: false },
  'state-too-large': { retryable: false },
  'quota-exceeded': { retryable: false },
  'machine-failed': { retryable: false },
  'state-unreadable': { retryable: false },
  'cascade-too-deep': { retryable: false },
  'cascade-too-wide': { retryable: false },
  'delivery-failed': { retryable: false },
  'database-too-new': { retryable: false },
  'migration-failed': { retryable: false },
  fenced: { retryable: false },
  'owned-elsewhere': { retryable: true },
  overloaded: { retryable: true },
  'storage-unavailable': { retryable: true },
  'storage-full': { retryable: true },
  stopping: { retryable: true },
  'held-back': { retryable: true },
} as const;

export type ErrorCode = keyof typeof CODES;

/** A quota that was met, as answers tell it. */
export interface QuotaBreach {
  /** `twins`, `journal-bytes`, or the name that the engine's quotas give a kind's. */
  quota: string;
  limit: number;
  used: number;
  /** The time after which there is room again by itself, ms; absent: somebody has to make room. */
  retryAfterMs?: number;
}

export interface ErrorDetails {
  /** What the operator or author can do about it. */
  hint?: string;
  cause?: unknown;
  /** What `quota-exceeded` refused. */
  quota?: QuotaBreach | undefined;
}

export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly quota: QuotaBreach | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EngineError';
    this.code = code;
    this.retryable = CODES[code].retryable;
    this.hint = details.hint;
    this.quota = details.quota;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
