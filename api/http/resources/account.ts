import { z } from 'zod';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { DisplayName } from '../../../features/contract/naming.ts';
import {
  type Grant,
  LANGUAGES,
  LONGEST_MAILBOX,
  LONGEST_PASSWORD,
  MAILBOX,
  type Person,
  SHORTEST_PASSWORD,
} from '../../../identity/index.ts';

export const Email = z
  .string()
  .max(LONGEST_MAILBOX)
  .regex(MAILBOX, 'must be an e-mail address')
  .meta({ examples: ['ada@example.org'] });
export const Language = z.enum(LANGUAGES).describe('In which letters are written.');
/** How long it may be; whether it will do is said by a 422. */
export const Password = z
  .string()
  .min(1)
  .max(LONGEST_PASSWORD)
  .describe(`At least ${SHORTEST_PASSWORD} characters.`);
/** A code from a letter. */
export const Code = z.string().min(1).max(64);
/** A code of the second factor. */
export const FactorCode = z
  .string()
  .min(1)
  .max(64)
  .describe('Of the second factor: the code that the app shows, or a recovery code.');
export const DeviceName = DisplayName.optional().describe(
  'What the session is shown as: “Ada’s phone”.',
);

export const Profile = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    language: z.string(),
    isAdmin: z.boolean().describe('Whether they run the platform.'),
    hasPassword: z.boolean().describe('False: they sign in with a provider only.'),
    createdAt: Moment,
  })
  .meta({ id: 'Person', description: 'An account.' });

export const Tokens = z
  .object({
    accessToken: z.string().describe('A JWT for the header `Authorization: Bearer`.'),
    accessExpiresAt: Moment,
    refreshToken: z
      .string()
      .describe('Trades for the next pair, once. Keep it where nobody else can read it.'),
    refreshExpiresAt: Moment.describe('Each use puts it off.'),
    session: z.string(),
  })
  .meta({ id: 'Tokens', description: 'What an app needs to go on as somebody.' });

export const SignedIn = z
  .object({ person: Profile, tokens: Tokens })
  .meta({ id: 'SignedIn', description: 'Somebody has signed in.' });

export function toProfile({ createdAt, ...person }: Person): z.infer<typeof Profile> {
  return { ...person, createdAt: iso(createdAt) };
}

export function toTokens(grant: Grant): z.infer<typeof Tokens> {
  const { accessToken, accessExpiresAt, refreshToken, refreshExpiresAt, session } = grant;
  return {
    accessToken,
    accessExpiresAt: iso(accessExpiresAt),
    refreshToken,
    refreshExpiresAt: iso(refreshExpiresAt),
    session,
  };
}
