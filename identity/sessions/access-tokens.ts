import { createHash } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { IdentityError } from '../errors.ts';

/** What an access token says; its holder is whoever has it. */
export interface AccessClaims {
  subject: string;
  session: string;
  /** The home that a gateway works for. */
  home?: string;
  isAdmin?: boolean;
}

export interface AccessTokenOptions {
  /** The first signs, all verify: put a new one in front, and take the last away a day later. */
  secrets: readonly string[];
  issuer: string;
  clock: { now(): number };
}

export const ACCESS_TOKEN_MS = 15 * 60_000;
const AUDIENCE = 'homeostat';
const ALGORITHM = 'HS256';
const KEY_ID_LENGTH = 12;
/** Verified tokens that are remembered, so that an app's every request does not cost a signature. */
const REMEMBERED = 10_000;

/** Short-lived JWTs. */
export class AccessTokens {
  readonly #keys: Map<string, Uint8Array>;
  readonly #signing: { id: string; key: Uint8Array };
  readonly #issuer: string;
  readonly #clock: { now(): number };
  readonly #verified = new Map<string, { claims: AccessClaims; expiresAt: number }>();

  constructor({ secrets, issuer, clock }: AccessTokenOptions) {
    const keys = secrets.map((secret) => ({ id: keyIdOf(secret), key: Buffer.from(secret) }));
    const [signing] = keys;
    if (!signing) throw new IdentityError('bad-input', 'there is no secret to sign tokens with');
    this.#signing = signing;
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
    this.#issuer = issuer;
    this.#clock = clock;
  }

  async sign({ subject, session, home, isAdmin }: AccessClaims): Promise<string> {
    const now = Math.floor(this.#clock.now() / 1_000);
    return await new SignJWT({ sid: session, ...(home && { home }), ...(isAdmin && { adm: true }) })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#signing.id, typ: 'JWT' })
      .setSubject(subject)
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setIssuedAt(now)
      .setExpirationTime(now + ACCESS_TOKEN_MS / 1_000)
      .sign(this.#signing.key);
  }

  /** @returns null for what is not ours, or has expired */
  async verify(token: string): Promise<AccessClaims | null> {
    const known = this.#verified.get(token);
    if (known) {
      if (known.expiresAt > this.#clock.now()) return known.claims;
      this.#verified.delete(token);
      return null;
    }
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        issuer: this.#issuer,
        audience: AUDIENCE,
        algorithms: [ALGORITHM],
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['sub', 'sid', 'exp'],
      });
      const claims: AccessClaims = {
        subject: String(payload.sub),
        session: String(payload['sid']),
        ...(typeof payload['home'] === 'string' && { home: payload['home'] }),
        ...(payload['adm'] === true && { isAdmin: true }),
      };
      if (this.#verified.size >= REMEMBERED) this.#verified.clear();
      this.#verified.set(token, { claims, expiresAt: Number(payload.exp) * 1_000 });
      return claims;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }

  #keyOf(id: string | undefined): Uint8Array {
    const key = this.#keys.get(id ?? '');
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}

/** Tells which secret, and nothing about it. */
function keyIdOf(secret: string): string {
  return createHash('sha256')
    .update(`key id of ${secret}`)
    .digest('base64url')
    .slice(0, KEY_ID_LENGTH);
}
