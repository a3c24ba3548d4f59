/** Proving once more who one is, and the second factor of one's account. */
import { z } from 'zod';
import { Moment, momentIf } from '../../../features/contract/moment.ts';
import { always, conflict, empty, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { FactorCode, Password } from '../../http/resources/account.ts';
import { personOf } from './profile.ts';

const TAGS = ['Account'];

const NewProof = z
  .strictObject({ password: Password.optional(), code: FactorCode.optional() })
  .refine(({ password, code }) => password !== undefined || code !== undefined, 'proves nothing')
  .meta({ id: 'NewProof', minProperties: 1, examples: [{ code: '123456' }] });
const Factor = z
  .object({
    enabled: z.boolean().describe('Whether a password alone is not enough.'),
    since: Moment.optional(),
  })
  .meta({ id: 'SecondFactor', description: 'Codes of an app, beside the password.' });
const Begun = z
  .object({
    secret: z.string().describe('For an app, in Base32. Shown this once.'),
    url: z.string().describe('The same as `otpauth://`, for a QR code.'),
  })
  .meta({ id: 'NewSecondFactor', description: 'What an app is set up with.' });
const Confirmation = z
  .strictObject({ code: FactorCode })
  .meta({ id: 'SecondFactorConfirmation', examples: [{ code: '123456' }] });
const Confirmed = z
  .object({
    recoveryCodes: z
      .array(z.string())
      .describe('In place of a code, once each, when the app is lost. Shown this once.'),
  })
  .meta({ id: 'RecoveryCodes', description: 'The second factor counts from now on.' });

export function secondFactorRoutes(app: App, { identity }: RouteContext): void {
  const { people, secondFactors } = identity;

  app.post(
    '/me/proof',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'prove',
        tags: TAGS,
        summary: 'Prove once more who one is',
        description:
          'With the password, or a code of the second factor. For ten minutes this session may make keys, link a way to sign in, hand a home over, change the second factor, and delete the account: what answers 403 `proof-required` otherwise. Signing in counts, too.',
        body: NewProof,
        response: { 204: empty('For ten minutes.'), ...refused, ...withBody, ...always },
      },
    },
    async ({ principal, body }, reply) => {
      const { person, session } = personOf(principal);
      await people.prove(person, body, session);
      return reply.code(204).send();
    },
  );

  app.get(
    '/me/second-factor',
    {
      config: { action: 'account.manage' },
      schema: {
        operationId: 'readSecondFactor',
        tags: TAGS,
        summary: 'Read whether there is a second factor',
        response: { 200: json('Whether there is one.', Factor), ...always },
      },
    },
    async ({ principal }) => {
      const since = await secondFactors.since(personOf(principal).person);
      return { enabled: since !== null, ...momentIf('since', since) };
    },
  );

  app.post(
    '/me/second-factor',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'beginSecondFactor',
        tags: TAGS,
        summary: 'Begin to set up a second factor',
        description: 'It counts once a code of the app has been confirmed.',
        response: {
          201: json('What the app needs.', Begun),
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal }, reply) => {
      const { person } = personOf(principal);
      const { email } = await people.read(person);
      return reply.code(201).send(await secondFactors.begin(person, email));
    },
  );

  app.post(
    '/me/second-factor/confirm',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'confirmSecondFactor',
        tags: TAGS,
        summary: 'Confirm the second factor with a code of the app',
        body: Confirmation,
        response: {
          200: json('It counts from now on.', Confirmed),
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ principal, body }) => ({
      recoveryCodes: await secondFactors.confirm(personOf(principal).person, body.code),
    }),
  );

  app.delete(
    '/me/second-factor',
    {
      config: { action: 'account.manage', proof: true },
      schema: {
        operationId: 'removeSecondFactor',
        tags: TAGS,
        summary: 'Sign in with the password alone again',
        response: { 204: empty('It is removed.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ principal }, reply) => {
      await secondFactors.remove(personOf(principal).person);
      return reply.code(204).send();
    },
  );
}
