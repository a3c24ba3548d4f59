import { readFileSync } from 'node:fs';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
} from 'openid-client';
import { IdentityError } from '../errors.ts';
import { LONGEST_MAILBOX, MAILBOX } from '../mail/mailbox.ts';
import { LANGUAGES, type Language } from '../mail/templates.ts';

/** A provider of OpenID Connect, as the operator describes it. */
export interface ProviderOptions {
  /** The name in addresses: `google`. */
  name: string;
  /** The name on buttons and in letters: `Google`. */
  label: string;
  /** Its metadata are at `{issuer}/.well-known/openid-configuration`. `http:` is for loopback. */
  issuer: string;
  clientId: string;
  /** A file is read at each use, as its secret is renewed while the server runs. */
  clientSecret: string | { file: string };
  /** The scopes, with spaces between them. */
  scopes: string;
  /** How the browser brings the answer: in the address, or as a form, which Apple asks for. */
  responseMode: 'query' | 'form_post';
}

/** What a provider says of somebody. */
export interface Vouched {
  issuer: string;
  /** Who it is there, for good; addresses and names change. */
  subject: string;
  /** Null: not told, or not of one mailbox. */
  email: string | null;
  isEmailVerified: boolean;
  name: string | null;
  language: Language;
}

/** What must be remembered while the browser is there. */
export interface Journey {
  state: string;
  nonce: string;
  /** The verifier of PKCE, between this server and the provider. */
  verifier: string;
}

/** Why nobody has come back: they did not want to, the provider is away, or what it says does not hold. */
export type Failure = 'cancelled' | 'unavailable' | 'refused';

const TIMEOUT_SECONDS = 5;
const LONGEST_NAME = 200;
/** Apple has a word of its own. */
const CANCELLED = new Set(['access_denied', 'user_cancelled_authorize']);
const AWAY_CODES = new Set([
  ...['OAUTH_TIMEOUT', 'OAUTH_ABORT'],
  ...['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'],
]);

/** The conversation with one provider. */
export class Provider {
  readonly name: string;
  readonly label: string;
  /** The issuer as it is stored: whether it ends with a slash makes no difference. */
  readonly issuer: string;
  readonly #options: ProviderOptions;
  readonly #callback: string;
  readonly #onFailure: (provider: string, error: unknown) => void;
  #discovered: Promise<Configuration> | null = null;

  /** @param callback where it sends browsers back to, as it is registered there */
  constructor(
    options: ProviderOptions,
    callback: string,
    onFailure: (provider: string, error: unknown) => void,
  ) {
    this.name = options.name;
    this.label = options.label;
    this.issuer = new URL(options.issuer).href;
    this.#options = options;
    this.#callback = callback;
    this.#onFailure = onFailure;
  }

  /** Where the browser goes. @throws IdentityError `unavailable` */
  async addressFor({ state, nonce, verifier }: Journey): Promise<string> {
    const { scopes, responseMode } = this.#options;
    const configuration = await this.#configuration();
    const address = buildAuthorizationUrl(configuration, {
      redirect_uri: this.#callback,
      scope: scopes,
      ...{ state, nonce, code_challenge_method: 'S256' },
      code_challenge: await calculatePKCECodeChallenge(verifier),
      ...(responseMode === 'form_post' && { response_mode: responseMode }),
    });
    return address.href;
  }

  /** Trades what the browser has brought for what the provider says of its owner. */
  async redeem(
    answer: Readonly<Record<string, string>>,
    { state, nonce, verifier }: Journey,
  ): Promise<{ vouched: Vouched } | { failure: Failure }> {
    const address = new URL(this.#callback);
    address.search = new URLSearchParams(answer).toString();
    try {
      const configuration = await this.#configuration();
      const tokens = await authorizationCodeGrant(configuration, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
      });
      return { vouched: this.#read(await claimsOf(configuration, tokens)) };
    } catch (error) {
      const failure = failureOf(error);
      // What cannot be discovered has been told
      const isNews = failure !== 'cancelled' && !(error instanceof IdentityError);
      if (isNews) this.#onFailure(this.name, error);
      return { failure };
    }
  }

  /** Its metadata; asked for when they are needed, so that a start does not wait for a provider. */
  async #configuration(): Promise<Configuration> {
    this.#discovered ??= this.#discover().catch((error: unknown) => {
      // Whoever comes next tries again
      this.#discovered = null;
      this.#onFailure(this.name, error);
      throw new IdentityError('unavailable', `${this.label} does not answer at the moment`, {
        hint: 'Try again later, or sign in another way.',
      });
    });
    return await this.#discovered;
  }

  async #discover(): Promise<Configuration> {
    const issuer = new URL(this.#options.issuer);
    return await discovery(issuer, this.#options.clientId, undefined, this.#authenticate, {
      timeout: TIMEOUT_SECONDS,
      execute: [
        // Signatures of tokens are checked, although they come from the provider itself
        enableNonRepudiationChecks,
        ...(issuer.protocol === 'http:' ? [allowInsecureRequests] : []),
      ],
    });
  }

  #authenticate: ClientAuth = (server, client, body, headers) => {
    const { clientSecret } = this.#options;
    const secret =
      typeof clientSecret === 'string'
        ? clientSecret
        : readFileSync(clientSecret.file, 'utf8').trim();
    // Where nothing is said, RFC 8414 §2 says it is Basic
    const ways = server.token_endpoint_auth_methods_supported ?? [];
    const way = ways.includes('client_secret_post') ? ClientSecretPost : ClientSecretBasic;
    way(secret)(server, client, body, headers);
  };

  #read(claims: Claims): Vouched {
    const { sub, email, email_verified: isVerified, name, locale } = claims;
    return {
      issuer: this.issuer,
      subject: sub,
      email: isMailbox(email) ? email : null,
      // Apple writes it as a text
      isEmailVerified: isVerified === true || isVerified === 'true',
      name: typeof name === 'string' ? displayName(name) : null,
      language: LANGUAGES.find((language) => String(locale).startsWith(language)) ?? 'en',
    };
  }
}

type Tokens = Awaited<ReturnType<typeof authorizationCodeGrant>>;
type Claims = { sub: string } & Record<string, unknown>;

/** What the token says, and where that is not the address, what the provider says of its bearer. */
async function claimsOf(configuration: Configuration, tokens: Tokens): Promise<Claims> {
  const claims = tokens.claims();
  if (!claims) throw new ClientError('the answer has no id_token');
  const { userinfo_endpoint: more } = configuration.serverMetadata();
  if (claims['email'] !== undefined || more === undefined) return claims;
  return { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
}

function failureOf(error: unknown): Failure {
  if (error instanceof AuthorizationResponseError) {
    return CANCELLED.has(error.error) ? 'cancelled' : 'refused';
  }
  // `fetch` says TypeError of whatever goes wrong on the way
  if (error instanceof IdentityError || error instanceof TypeError) return 'unavailable';
  return error instanceof ClientError && AWAY_CODES.has(error.code ?? '')
    ? 'unavailable'
    : 'refused';
}

function isMailbox(email: unknown): email is string {
  return typeof email === 'string' && email.length <= LONGEST_MAILBOX && MAILBOX.test(email);
}

/** @returns null when nothing is left that could be shown */
function displayName(name: string): string | null {
  const shown = name
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, LONGEST_NAME);
  return shown === '' ? null : shown;
}
