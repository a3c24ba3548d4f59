import { z } from 'zod';
import type { CandidateRow } from '../../../engine/index.ts';
import { EventValue } from '../../../features/contract/effect.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

export const Candidate = z
  .object({
    home: z.string(),
    twin: z.string().describe('The id that it will have.'),
    kind: z.string(),
    via: z.string().nullable().describe('How the device is reached: `codec:address`.'),
    firstSeenAt: Moment,
    lastSeenAt: Moment,
    messages: z.int().describe('How many of its messages were not folded.'),
    lastEvent: EventValue,
  })
  .meta({ id: 'Candidate', description: 'A device that spoke before anyone claimed it.' });
export type Candidate = z.infer<typeof Candidate>;

export function toCandidate(row: CandidateRow): Candidate {
  const { home, twin, kind, via, firstSeenAt, lastSeenAt, messages, lastEvent } = row;
  return {
    home,
    twin,
    kind,
    via,
    firstSeenAt: iso(firstSeenAt),
    lastSeenAt: iso(lastSeenAt),
    messages,
    lastEvent: lastEvent as Candidate['lastEvent'],
  };
}
