import { z } from 'zod';
import type { ReplayReport } from '../../../engine/index.ts';
import { JsonValue } from '../../../features/contract/json-value.ts';

export const Replay = z
  .object({
    ok: z.boolean().describe('Whether folding the journal gave the stored state, bit for bit.'),
    revision: z.int(),
    from: z.int().describe('Revision of the checkpoint that it began from; 0: the creation.'),
    turns: z.int().describe('Turns folded.'),
    differences: z.array(
      z.object({
        path: z.string(),
        stored: JsonValue.optional(),
        replayed: JsonValue.optional(),
      }),
    ),
  })
  .meta({ id: 'Replay', description: 'Whether the journal and the stored state agree.' });
export type Replay = z.infer<typeof Replay>;

export function toReplay({ ok, revision, from, turns, differences }: ReplayReport): Replay {
  return { ok, revision, from, turns, differences: differences as Replay['differences'] };
}
