/** What people may call things. */
import { z } from 'zod';
import { isName } from '../../engine/index.ts';

/** The id of a home or twin that is being made. */
export const NewId = z
  .string()
  .refine(
    isName,
    'must have 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit',
  )
  .meta({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });

/** A name for people. */
export const DisplayName = z
  .string()
  .regex(/^[^\p{Cc}]{1,200}$/u, 'must be 1 to 200 printable characters')
  .meta({ maxLength: 200 });

/** Checked by the engine against the IANA names that it knows. */
export const Timezone = z
  .string()
  .min(1)
  .max(64)
  .describe('IANA name.')
  .meta({ examples: ['Europe/Berlin'] });

/** The id of a room, or null for none. */
export const RoomId = z.string().max(64).nullable().describe('The id of a room; null: none.');
