import { z } from 'zod';
import type { Requester } from '../../engine/index.ts';
import { nameOf, type Principal } from '../../identity/index.ts';
import { wantedRevision } from './revision.ts';

/** The door's name in envelopes, journals and metrics. */
const SOURCE = 'rest';

export const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
    .optional()
    .describe(
      'Makes a repetition harmless: the same key to the same twin does nothing twice. Choose a new one (a UUID) for each thing that you want done. A twin remembers its last 64.',
    ),
});

/** Who asks, and how, from the headers that {@link IdempotencyKey} and `IfMatch` describe. */
export function requesterOf(
  principal: Principal | null,
  headers: { 'idempotency-key'?: string | undefined; 'if-match'?: string | undefined },
): Requester {
  const key = headers['idempotency-key'];
  const ifRevision = wantedRevision(headers['if-match']);
  return {
    principal: nameOf(principal),
    source: SOURCE,
    ...(key !== undefined && { key }),
    ...(ifRevision !== undefined && { ifRevision }),
  };
}
