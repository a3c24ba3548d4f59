/** Replays of twins of all kinds: long work, which the threads of this feature do. */
import { z } from 'zod';
import { assertAddress, type ReplayReport } from '../../../engine/index.ts';
import { JsonValue } from '../../contract/json-value.ts';
import { TwinPath } from '../../contract/parameters.ts';
import { type FeatureRoute, route } from '../../contract/route.ts';
import type { RulesContext } from './rules-context.ts';

/** How long a request may wait for its turn among others, and then for its answer: a long journal takes its time. */
const LONG_MS = 60_000;

const Replay = z
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
type Replay = z.infer<typeof Replay>;

export function replayRoutes({ work }: Pick<RulesContext, 'work'>): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/homes/:home/twins/:twin/replay',
      longMs: LONG_MS,
      action: 'twin.manage',
      operationId: 'replayTwin',
      tags: ['Explaining'],
      summary: 'Prove that the journal gives the state',
      description:
        'Folds the journal from the latest checkpoint and compares with what is stored. Nothing changes and nothing is delivered.',
      params: TwinPath,
      answer: { description: 'What came of it.', schema: Replay },
      problems: ['not-found'],
      async handle({ params, asker }) {
        assertAddress(params);
        return toReplay(await work.for(asker)('replay', params));
      },
    }),
  ];
}

function toReplay({ ok, revision, from, turns, differences }: ReplayReport): Replay {
  return { ok, revision, from, turns, differences: differences as Replay['differences'] };
}
