/** Coming in with others: OpenID Connect, from a browser and back to the app. */
import { z } from 'zod';
import {
  conflict,
  empty,
  json,
  notFound,
  open,
  problem,
  refused,
  withBody,
  wrong,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { FORM, readFormsOnly } from '../../http/form-body.ts';
import { DeviceName, SignedIn, toProfile, toTokens } from '../../http/resources/account.ts';
import { Beginning, Begun, Proof, Provider, ProviderPath } from '../../http/resources/provider.ts';

const TAGS = ['Account'];
/** Codes of providers are long, but not that long. */
const LONGEST = 8_000;

const SignIn = Proof.extend({ deviceName: DeviceName }).meta({ id: 'ProviderSignIn' });
/** What a provider may have the browser say; some say more, which is not needed. */
const ProviderAnswer = z.object({
  state: z.string().max(LONGEST),
  code: z.string().max(LONGEST).optional(),
  iss: z.string().max(LONGEST).optional(),
  error: z.string().max(LONGEST).optional(),
  error_description: z.string().max(LONGEST).optional(),
});
const cameBack = {
  303: empty(
    'On to `returnTo`, with `code` to finish with, or with `error`: `cancelled`, `unavailable` (the provider is away) or `refused` (what it says does not hold).',
  ),
  ...wrong,
  ...notFound,
  ...open,
};

/** Where a provider sends browsers back to: it must be registered there. */
export function callbackOf(publicUrl: string, provider: string): string {
  return `${publicUrl.replace(/\/+$/, '')}/v1/auth/providers/${provider}/callback`;
}

export function providerRoutes(app: App, { identity }: RouteContext): void {
  const { providers } = identity;
  const comeBack = (provider: string, { state, ...rest }: z.infer<typeof ProviderAnswer>) => {
    const told = Object.entries(rest).flatMap(([field, value]) =>
      value === undefined ? [] : [[field, value] as const],
    );
    return providers.comeBack(provider, { ...Object.fromEntries(told), state });
  };

  app.get(
    '/auth/providers',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'listProviders',
        tags: TAGS,
        summary: 'List with whom else one can sign in',
        security: [],
        response: { 200: json('All of them.', z.object({ items: z.array(Provider) })), ...open },
      },
    },
    () => ({ items: providers.list() }),
  );

  app.post(
    '/auth/providers/:provider/start',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'startProviderSignIn',
        tags: TAGS,
        summary: 'Begin to sign in with somebody else',
        description:
          'The app makes a verifier and keeps it, opens the address in a browser, and waits for it at `returnTo`.',
        security: [],
        params: ProviderPath,
        body: Beginning,
        response: {
          200: json('Where the browser goes.', Begun),
          ...notFound,
          ...refused,
          ...withBody,
          ...open,
        },
      },
    },
    async ({ params, body }) => ({ url: await providers.begin(params.provider, body, null) }),
  );

  app.get(
    '/auth/providers/:provider/callback',
    {
      // Who only looks at it would use the provider’s code up
      exposeHeadRoute: false,
      config: { action: 'account.enter' },
      schema: {
        operationId: 'returnFromProvider',
        tags: TAGS,
        summary: 'Where providers send browsers back to',
        security: [],
        params: ProviderPath,
        querystring: ProviderAnswer,
        response: cameBack,
      },
    },
    async ({ params, query }, reply) => {
      const url = await comeBack(params.provider, query);
      return reply.header('cache-control', 'no-store').redirect(url, 303);
    },
  );

  void app.register(async (forms) => {
    readFormsOnly(forms as App);
    (forms as App).post(
      '/auth/providers/:provider/callback',
      {
        config: { action: 'account.enter' },
        schema: {
          operationId: 'returnFromProviderByForm',
          tags: TAGS,
          summary: 'Where providers send browsers back to that bring a form, such as Apple’s',
          security: [],
          consumes: [FORM],
          params: ProviderPath,
          body: ProviderAnswer.meta({ id: 'ProviderAnswer' }),
          response: { ...cameBack, ...withBody, 415: problem('The body is no form.') },
        },
      },
      async ({ params, body }, reply) => {
        const url = await comeBack(params.provider, body);
        return reply.header('cache-control', 'no-store').redirect(url, 303);
      },
    );
  });

  app.post(
    '/auth/providers/finish',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'finishProviderSignIn',
        tags: TAGS,
        summary: 'Sign in with what the browser brought back',
        description:
          'Within a minute, once. Makes an account for somebody new whose address the provider vouches for. An address that has an account is not taken over: sign in there and link it.',
        security: [],
        body: SignIn,
        response: {
          200: json('Signed in.', SignedIn),
          ...wrong,
          ...conflict,
          ...refused,
          ...withBody,
          ...open,
        },
      },
    },
    async ({ body: { deviceName, ...proof }, ip }) => {
      const { person, grant } = await providers.signIn(proof, { address: ip, deviceName });
      return { person: toProfile(person), tokens: toTokens(grant) };
    },
  );
}
