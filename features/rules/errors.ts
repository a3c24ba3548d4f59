/** What the feature refuses. The engine's errors pass as they are. */

export type RulesErrorCode =
  | 'bad-input'
  | 'not-found'
  | 'conflict'
  | 'too-many-requests'
  | 'timeout';

export interface RulesErrorDetails {
  /** What can be done about it. */
  hint?: string;
  /** Each flaw, and where it is: `body.source:3:7`, `rules.hall-light`. */
  flaws?: { path: string; message: string }[];
  /** After which it is worth another try, ms. */
  retryAfterMs?: number;
}

export class RulesError extends Error {
  readonly code: RulesErrorCode;
  readonly details: RulesErrorDetails;

  constructor(code: RulesErrorCode, message: string, details: RulesErrorDetails = {}) {
    super(message);
    this.name = 'RulesError';
    this.code = code;
    this.details = details;
  }
}
