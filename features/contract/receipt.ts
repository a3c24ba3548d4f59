import { z } from 'zod';
import {
  assertAccepted,
  type Receipt as EngineReceipt,
  type Overruling,
} from '../../engine/index.ts';
import { iso, Moment } from './moment.ts';

export const Receipt = z
  .object({
    status: z
      .enum(['accepted', 'duplicate', 'ignored'])
      .describe(
        'accepted: folded and stored. duplicate: this key has been here before; nothing was done again. ignored: see `reason`.',
      ),
    revision: z.int().describe('The twin’s revision afterwards.'),
    effects: z.array(z.string()).describe('Ids of the effects that the turn asked for.'),
    reason: z.string().optional().describe('Why an event was ignored.'),
    overruled: z
      .array(
        z.object({
          keys: z.array(z.string()),
          by: z.string().describe('Who holds them: `home/twin` of a rule, or who asked.'),
          until: Moment.nullable().describe('When what you want counts; null: it does not.'),
        }),
      )
      .optional()
      .describe(
        'What you want and do not get yet: somebody of the same or a higher priority holds it.',
      ),
  })
  .meta({
    id: 'Receipt',
    description: 'What became of an event, given after the commit that holds it.',
    examples: [{ status: 'accepted', revision: 43, effects: ['home/pump@43#0'] }],
  });
export type Receipt = z.infer<typeof Receipt>;

function toOverruling({ until, ...rest }: Overruling): NonNullable<Receipt['overruled']>[number] {
  return { ...rest, until: until === null ? null : iso(until) };
}

/** @throws EngineError with the receipt’s own code when the event was rejected */
export function toReceipt(receipt: EngineReceipt): Receipt {
  assertAccepted(receipt);
  if (receipt.status !== 'accepted') return receipt;
  const { overruled, ...rest } = receipt;
  if (!overruled) return rest;
  return { ...rest, overruled: overruled.map(toOverruling) };
}
