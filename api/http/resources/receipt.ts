import { z } from 'zod';
import { EngineError, type Receipt as EngineReceipt } from '../../../engine/index.ts';

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
  })
  .meta({
    id: 'Receipt',
    description: 'What became of an event, given after the commit that holds it.',
    examples: [{ status: 'accepted', revision: 43, effects: ['home/pump@43#0'] }],
  });
export type Receipt = z.infer<typeof Receipt>;

/** @throws EngineError with the receipt’s own code when the event was rejected */
export function toReceipt(receipt: EngineReceipt): Receipt {
  if (receipt.status !== 'rejected') return receipt;
  const { code, reason, hint } = receipt;
  throw new EngineError(code, reason, hint === undefined ? {} : { hint });
}
