/** Gateways sign in. What they do then is a feature’s: `features/devices`. */
import { z } from 'zod';
import { json, open, withBody, wrong } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { Tokens, toTokens } from '../http/resources/account.ts';

const TAGS = ['Gateways'];

const Login = z
  .strictObject({ deviceId: z.string().min(1).max(64), secret: z.string().min(1).max(200) })
  .meta({ id: 'GatewayLogin' });
const Refresh = z
  .strictObject({ refreshToken: z.string().min(1).max(200) })
  .meta({ id: 'GatewayRefresh' });

export function gatewayRoutes(
  app: App,
  { identity: { gateways, sessions } }: Pick<RouteContext, 'identity'>,
): void {
  app.post(
    '/gateways/login',
    {
      config: { action: 'gateway.enter' },
      schema: {
        operationId: 'loginGateway',
        tags: TAGS,
        summary: 'Sign in as a gateway',
        description: 'The access token carries the gateway and its home.',
        security: [],
        body: Login,
        response: { 200: json('Signed in.', Tokens), ...wrong, ...withBody, ...open },
      },
    },
    async (request) => {
      const { deviceId, secret } = request.body;
      const grant = await gateways.login(deviceId, secret, request.ip);
      const home = gateways.find(deviceId)?.home ?? '';
      request.principal = { type: 'gateway', gateway: deviceId, home, session: grant.session };
      return toTokens(grant);
    },
  );

  app.post(
    '/gateways/refresh',
    {
      config: { action: 'gateway.enter' },
      schema: {
        operationId: 'refreshGateway',
        tags: TAGS,
        summary: 'Trade a gateway’s refresh token for the next pair',
        description: 'Each counts once; one that comes a second time ends the session.',
        security: [],
        body: Refresh,
        response: { 200: json('The next pair.', Tokens), ...wrong, ...withBody, ...open },
      },
    },
    async ({ body, ip }) => toTokens(await sessions.refresh(body.refreshToken, ip)),
  );
}
