/** What identity refuses; the words are for people, the code for programs. */
export type IdentityErrorCode =
  /** Wrong name, password, code or token; which of them is not said. */
  | 'bad-credentials'
  /** The password is right, and the account wants a code as well. */
  | 'second-factor-required'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'bad-input'
  | 'too-many-tries'
  /** There are already as many as one may have. */
  | 'quota-exceeded'
  /** The store or a provider is away; it goes on by itself. */
  | 'unavailable';

export class IdentityError extends Error {
  readonly code: IdentityErrorCode;
  readonly hint: string | undefined;
  /** The time after which it is worth another try. */
  readonly retryAfterMs: number | undefined;
  /** What there is no more room for, with `quota-exceeded`. */
  readonly quota: { quota: string; limit: number; used: number } | undefined;

  constructor(
    code: IdentityErrorCode,
    message: string,
    details: { hint?: string; retryAfterMs?: number; quota?: IdentityError['quota'] } = {},
  ) {
    super(message);
    this.name = 'IdentityError';
    this.code = code;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
    this.quota = details.quota;
  }
}
