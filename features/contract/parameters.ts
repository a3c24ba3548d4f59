/** Path and query parameters that several routes share. */
import { z } from 'zod';

export const HomePath = z.object({
  home: z
    .string()
    .describe('The id of the home.')
    .meta({ examples: ['home'] }),
});
export const TwinPath = HomePath.extend({
  twin: z
    .string()
    .describe('The id of the twin within its home.')
    .meta({ examples: ['heater'] }),
});

export const RulePath = HomePath.extend({ rule: z.string().describe('The id of the rule.') });

export const BlueprintPath = HomePath.extend({
  blueprint: z.string().describe('The id of the blueprint.'),
});
export const KitPath = HomePath.extend({ kit: z.string().describe('The id of the kit.') });
export const HookPath = RulePath.extend({
  hook: z.string().max(64).describe('The name of the webhook, as its trigger says it.'),
});
export const SecretPath = HomePath.extend({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is letters, digits and "_", beginning with a letter')
    .describe('What rules call it behind `secrets.`.'),
});

/** Ids that the engine made, such as `home/heater@42#0`; percent-encoded in a path. */
const MadeId = z
  .string()
  // Databases refuse control characters; no id has any
  .regex(/^[^\p{Cc}]{1,300}$/u, 'is not an id')
  .describe('The id, percent-encoded: `home%2Fheater%4042%230` for `home/heater@42#0`.');
export const OfHomePath = HomePath.extend({ id: MadeId });
export const IdPath = z.object({ id: MadeId });
export const TimerPath = TwinPath.extend({
  id: z.string().max(300).describe('The id of the timer, percent-encoded.'),
});

/** Text in a query that reaches the store. */
export const QueryText = z
  .string()
  .regex(/^[^\p{Cc}]{1,200}$/u, 'must be 1 to 200 printable characters');

export const PageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .describe('Items on a page, at most: a page of large items has fewer.'),
  cursor: QueryText.max(2_000)
    .optional()
    .describe('`nextCursor` of the former page, unchanged; absent for the first.'),
});

/** Yes or no in a query; default no. */
export const QueryFlag = z.enum(['true', 'false']).default('false');
