/** Coming in: register, sign in, stay signed in, get back in. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DisplayName } from '../../../features/contract/naming.ts';
import type { Grant, Person, Principal } from '../../../identity/index.ts';
import { closed, empty, json, open, refused, withBody, wrong } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import {
  Code,
  DeviceName,
  Email,
  FactorCode,
  Language,
  Password,
  SignedIn,
  Tokens,
  toProfile,
  toTokens,
} from '../../http/resources/account.ts';

const TAGS = ['Account'];

const Registration = z
  .strictObject({
    email: Email,
    password: Password,
    name: DisplayName,
    language: Language.default('en'),
    invitation: Code.optional().describe(
      'The code of an invitation, where only who is invited registers. One that was sent to the address need not be given.',
    ),
  })
  .meta({ id: 'Registration' });
const Registered = z
  .object({ registration: z.string().describe('Send it back with the code.') })
  .meta({ id: 'Registered', description: 'A letter is on its way.' });
const Verification = z
  .strictObject({ registration: z.string().min(1).max(64), code: Code, deviceName: DeviceName })
  .meta({ id: 'Verification' });
const Login = z
  .strictObject({
    email: Email,
    password: Password,
    code: FactorCode.optional(),
    deviceName: DeviceName,
  })
  .meta({ id: 'Login' });
const RefreshToken = z
  .strictObject({ refreshToken: z.string().min(1).max(200) })
  .meta({ id: 'RefreshToken' });
const Forgotten = z.strictObject({ email: Email }).meta({ id: 'Forgotten' });
const Reset = z
  .strictObject({ email: Email, code: Code, password: Password })
  .meta({ id: 'PasswordReset' });

export function accountRoutes(app: App, { identity }: RouteContext): void {
  app.post(
    '/auth/register',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'register',
        tags: TAGS,
        summary: 'Register',
        description:
          'Sends a code of six figures to the address. The answer does not tell whether the address has an account, or has been invited; its owner is told by letter. Whether anybody may register, or only who is invited, is a setting of the server (REGISTRATION).',
        security: [],
        body: Registration,
        response: {
          202: json('A letter is on its way.', Registered),
          ...closed,
          ...wrong,
          ...refused,
          ...withBody,
          ...open,
        },
      },
    },
    async ({ body: { invitation, ...body }, ip }, reply) => {
      const from = { address: ip };
      const registration = await identity.registrations.register(body, from, invitation);
      return reply.code(202).send({ registration });
    },
  );

  app.post(
    '/auth/verify',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'verifyEmail',
        tags: TAGS,
        summary: 'Bring the code from the letter back',
        description: 'Makes the account and signs in. Five wrong codes end the registration.',
        security: [],
        body: Verification,
        response: { 201: json('Welcome.', SignedIn), ...wrong, ...withBody, ...open },
      },
    },
    async (request, reply) => {
      const { registration, code, deviceName } = request.body;
      const from = fromOf(request, deviceName);
      const { person, grant } = await identity.registrations.verify(registration, code, from);
      request.principal = principalOf(person, grant);
      return reply.code(201).send({ person: toProfile(person), tokens: toTokens(grant) });
    },
  );

  app.post(
    '/auth/login',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'login',
        tags: TAGS,
        summary: 'Sign in',
        description:
          'Begins a session. Wrong guesses make the next wait longer, for that address and from that network only. An account with a second factor answers 401 `second-factor-required` to the right password: send it again with `code`.',
        security: [],
        body: Login,
        response: { 200: json('Signed in.', SignedIn), ...wrong, ...withBody, ...open },
      },
    },
    async (request) => {
      const { deviceName, ...credentials } = request.body;
      const from = fromOf(request, deviceName);
      const { person, grant } = await identity.people.login(credentials, from);
      request.principal = principalOf(person, grant);
      return { person: toProfile(person), tokens: toTokens(grant) };
    },
  );

  app.post(
    '/auth/refresh',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'refresh',
        tags: TAGS,
        summary: 'Trade a refresh token for the next pair',
        description:
          'Each refresh token counts once. When one comes a second time, more than ten seconds later, somebody has stolen it, and the whole session ends.',
        security: [],
        body: RefreshToken,
        response: { 200: json('The next pair.', Tokens), ...wrong, ...withBody, ...open },
      },
    },
    async (request) =>
      toTokens(await identity.sessions.refresh(request.body.refreshToken, request.ip)),
  );

  app.post(
    '/auth/forgot',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'forgotPassword',
        tags: TAGS,
        summary: 'Ask for a letter with which to set a new password',
        description:
          'The answer does not tell whether the address has an account. After a few letters in a day another one is sent only when the code of the last counts no more, an hour later.',
        security: [],
        body: Forgotten,
        response: {
          202: empty('A letter is on its way, to whom it may concern.'),
          ...withBody,
          ...open,
        },
      },
    },
    async ({ body }, reply) => {
      await identity.passwordResets.ask(body.email);
      return reply.code(202).send();
    },
  );

  app.post(
    '/auth/reset',
    {
      config: { action: 'account.enter' },
      schema: {
        operationId: 'resetPassword',
        tags: TAGS,
        summary: 'Set a new password with the code from the letter',
        description: 'Ends all sessions.',
        security: [],
        body: Reset,
        response: {
          204: empty('It is set. Sign in with it.'),
          ...refused,
          ...wrong,
          ...withBody,
          ...open,
        },
      },
    },
    async ({ body }, reply) => {
      await identity.passwordResets.reset(body.email, body.code, body.password);
      return reply.code(204).send();
    },
  );
}

/** Who it is from now on: for the audit. */
function principalOf({ id, isAdmin }: Person, { session }: Grant): Principal {
  return { type: 'person', person: id, session, isAdmin };
}

function fromOf({ ip }: FastifyRequest, deviceName: string | undefined) {
  return { address: ip, deviceName };
}
