/** What a feature refuses. `api/problem.ts` alone says what a code is in HTTP; the engine's errors pass as they are. */

export type FeatureErrorCode =
  /** The request is not well-formed. */
  | 'malformed'
  /** Well-formed, and not possible. */
  | 'bad-input'
  /** What should prove who asks is wrong, or too old. */
  | 'bad-credentials'
  | 'not-found'
  | 'conflict'
  | 'too-many-requests'
  | 'timeout';

export interface FeatureErrorDetails {
  /** What can be done about it. */
  hint?: string;
  /** Each flaw, and where it is: `body.source:3:7`, `rules.hall-light`. */
  flaws?: { path: string; message: string }[];
  /** The time after which it is worth another try, ms. */
  retryAfterMs?: number;
}

export class FeatureError extends Error {
  readonly code: FeatureErrorCode;
  readonly details: FeatureErrorDetails;

  constructor(code: FeatureErrorCode, message: string, details: FeatureErrorDetails = {}) {
    super(message);
    this.name = 'FeatureError';
    this.code = code;
    this.details = details;
  }
}
