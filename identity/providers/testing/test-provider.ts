import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import OidcProvider, { type AccountClaims, type KoaContextWithOIDC } from 'oidc-provider';
import type { ProviderOptions } from '../provider.ts';

const CLIENT_ID = 'homeostat';
const CLIENT_SECRET = 'the secret of homeostat at the provider';

/** A real provider on loopback. Whoever it shows its pages to signs in as who was named, and agrees. */
export class TestProvider implements AsyncDisposable {
  static readonly callback = 'https://homeostat.test/v1/auth/providers/test/callback';
  readonly options: ProviderOptions;
  /** Whoever comes next turns back. */
  isUnwanted = false;
  /** Nobody can tell that its tokens are its own. */
  hidesKeys = false;
  readonly #server: Server;
  readonly #port: number;
  readonly #accounts = new Map<string, AccountClaims>();
  #next = '';

  private constructor(server: Server, port: number, saysInToken: boolean) {
    this.#server = server;
    this.#port = port;
    this.options = {
      ...{ name: 'test', label: 'Test', issuer: `http://127.0.0.1:${port}` },
      ...{ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
      ...{ scopes: 'openid email profile', responseMode: 'query' },
    };
    const provider = this.#make(saysInToken);
    const answer = provider.callback();
    server.on('request', (request, response) => {
      if (this.hidesKeys && request.url === '/jwks') {
        return void response.setHeader('content-type', 'application/json').end('{"keys":[]}');
      }
      if (!request.url?.startsWith('/interaction/')) return void answer(request, response);
      const outcome = this.isUnwanted
        ? { error: 'access_denied' }
        : { login: { accountId: this.#next } };
      void provider.interactionFinished(request, response, outcome);
    });
  }

  /** @param saysInToken whether the id_token holds the address; otherwise it is to be asked for */
  static async open(saysInToken = true): Promise<TestProvider> {
    // It is made for Node 22, of which it uses nothing else that Node 20 lacks
    if (!('parse' in URL)) Object.assign(URL, { parse: parsed });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return new TestProvider(
      server,
      typeof address === 'object' ? (address?.port ?? 0) : 0,
      saysInToken,
    );
  }

  /** Who signs in from now on. */
  expect(claims: AccountClaims): void {
    this.#accounts.set(claims.sub, claims);
    this.#next = claims.sub;
  }

  /**
   * Goes where a browser is sent, with a browser's patience for cookies and redirects.
   * @returns what the provider has it bring back, in an address or in a form
   */
  async visit(start: string): Promise<{ state: string } & Record<string, string>> {
    const cookies = new Map<string, string>();
    let url = new URL(start);
    for (;;) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const [, name = '', value = ''] of answer.headers
        .getSetCookie()
        .map((text) => /^([^=]+)=([^;]*)/.exec(text) ?? [])) {
        cookies.set(name, value);
      }
      const text = await answer.text();
      const location = answer.headers.get('location');
      if (location === null) return withState(fieldsOf(text), text);
      url = new URL(location, url);
      if (url.href.startsWith(TestProvider.callback)) {
        return withState(Object.fromEntries(url.searchParams), url.href);
      }
    }
  }

  /** Answers nobody until {@link resume}. */
  async pause(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async resume(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.pause();
  }

  #make(saysInToken: boolean): OidcProvider {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    return new OidcProvider(this.options.issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [TestProvider.callback],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
      cookies: { keys: ['signs the cookies of the provider'] },
      claims: { email: ['email', 'email_verified'], profile: ['name', 'locale'] },
      conformIdTokenClaims: !saysInToken,
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      findAccount: (_context, sub) => ({
        accountId: sub,
        claims: () => this.#accounts.get(sub) ?? { sub },
      }),
      loadExistingGrant: agreed,
    });
  }
}

/** Consent to everything, without a question. */
async function agreed({ oidc }: KoaContextWithOIDC) {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client?.clientId,
    accountId: oidc.session?.accountId,
  });
  grant.addOIDCScope('openid email profile');
  await grant.save();
  return grant;
}

function withState(
  { state, ...fields }: Record<string, string>,
  page: string,
): { state: string } & Record<string, string> {
  if (state === undefined) throw new Error(`the provider has sent nobody back: ${page}`);
  return { ...fields, state };
}

/** The fields of a page that sends a form by itself. */
function fieldsOf(page: string): Record<string, string> {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, value]));
}

function parsed(text: string, base?: string): URL | null {
  return URL.canParse(text, base) ? new URL(text, base) : null;
}
