import { hkdfSync } from 'node:crypto';
import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import { IdentityError } from '../errors.ts';

export interface SealOptions {
  /** Nothing that was sealed for one purpose opens for another. */
  purpose: string;
  /** The first closes, all open. */
  secrets: readonly string[];
  /** Null: for ever. */
  lastsMs: number | null;
  clock: { now(): number };
}

const KEY_BYTES = 32;
const KEY_MANAGEMENT = 'dir' as const;
const ENCRYPTION = 'A256GCM' as const;

/**
 * Puts what must be remembered into the hands of strangers, who can neither read nor change it: for a while, so
 * that nothing is kept here that they could fill, or into a store for good.
 */
export class Seal<T extends object> {
  readonly #keys: readonly Uint8Array[];
  readonly #closing: Uint8Array;
  readonly #lastsMs: number | null;
  readonly #clock: { now(): number };

  constructor({ purpose, secrets, lastsMs, clock }: SealOptions) {
    this.#keys = secrets.map(
      (secret) => new Uint8Array(hkdfSync('sha256', secret, '', purpose, KEY_BYTES)),
    );
    const [closing] = this.#keys;
    if (!closing) throw new IdentityError('bad-input', 'there is no secret to seal with');
    this.#closing = closing;
    this.#lastsMs = lastsMs;
    this.#clock = clock;
  }

  async close(content: T): Promise<string> {
    const token = new EncryptJWT({ content });
    token.setProtectedHeader({ alg: KEY_MANAGEMENT, enc: ENCRYPTION });
    if (this.#lastsMs !== null) {
      token.setExpirationTime(Math.floor((this.#clock.now() + this.#lastsMs) / 1_000));
    }
    return await token.encrypt(this.#closing);
  }

  /** @returns null for what is not ours, was sealed for another purpose, or is too old */
  async open(sealed: string): Promise<T | null> {
    const options = {
      currentDate: new Date(this.#clock.now()),
      requiredClaims: this.#lastsMs === null ? [] : ['exp'],
      keyManagementAlgorithms: [KEY_MANAGEMENT],
      contentEncryptionAlgorithms: [ENCRYPTION],
    };
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtDecrypt<{ content: T }>(sealed, key, options);
        return payload.content;
      } catch (error) {
        // An older secret may have closed it
        if (!(error instanceof errors.JOSEError)) throw error;
      }
    }
    return null;
  }
}
