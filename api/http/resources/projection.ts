import { z } from 'zod';
import type { ProjectionStatus } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

export const Projection = z
  .object({
    name: z.string(),
    generation: z.int().describe('How many times it has been built, with this time.'),
    version: z.int().describe('Of its definition.'),
    status: z
      .enum(['building', 'active', 'retired'])
      .describe(
        '`building`: from the journal, beside the one that answers. `active`: answers. `retired`: this version of the server does not have it any more.',
      ),
    progress: z.number().min(0).max(1).describe('How much of the log’s time it has read.'),
    lag: z
      .number()
      .min(0)
      .describe(
        'Positions of the log that it has still to read. These are no turns: in a database from before there were positions, each millisecond of that time is one.',
      ),
    since: Moment.nullable().describe(
      'When the first turn was received that it was built from. What the journal did not hold any more is missing.',
    ),
    upTo: Moment.nullable().describe('When the last turn that it has was received.'),
    begunAt: Moment,
    builtAt: Moment.nullable().describe('Since when it answers.'),
    skipped: z.int().min(0).describe('Turns that it could not take, and goes on without.'),
    error: z.string().nullable().describe('Why it could not take the last of them.'),
  })
  .meta({
    id: 'Projection',
    description: 'A table that is computed from the journal, and how far it has come.',
    examples: [
      {
        ...{ name: 'activity', generation: 1, version: 1, status: 'active', progress: 1, lag: 0 },
        since: '2025-12-01T08:00:00.000Z',
        upTo: '2026-01-05T12:00:00.000Z',
        begunAt: '2026-01-01T00:00:00.000Z',
        builtAt: '2026-01-01T00:00:20.000Z',
        ...{ skipped: 0, error: null },
      },
    ],
  });
export type Projection = z.infer<typeof Projection>;

export function toProjection(status: ProjectionStatus): Projection {
  const { name, generation, version, progress, lag, skipped, error } = status;
  const momentOf = (moment: number | null) => (moment === null ? null : iso(moment));
  return {
    ...{ name, generation, version, progress, lag },
    status: status.status as Projection['status'],
    since: momentOf(status.since),
    upTo: momentOf(status.appliedAt),
    begunAt: iso(status.begunAt),
    builtAt: momentOf(status.builtAt),
    ...{ skipped, error },
  };
}
