import { z } from 'zod';
import type { JournalRow } from '../../../engine/index.ts';
import { Effect, EventValue, toEffect } from '../../../features/contract/effect.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { StateValue } from '../../../features/contract/twin.ts';

export const JournalItem = z
  .object({
    revision: z.int(),
    at: Moment.describe('When it happened, by the sender’s clock where that is sane.'),
    receivedAt: Moment.describe('The turn’s own time, from which its delays count.'),
    event: EventValue,
    eventId: z.string(),
    source: z.string().describe('The door it came through, or the twin that told it.'),
    cause: z.string().nullable().describe('Id of the event that led to this one.'),
    correlation: z.string().describe('Shared by everything that follows from one first event.'),
    principal: z.string().describe('Who asked.'),
    late: z
      .literal(true)
      .optional()
      .describe(
        'It was older than the last of its type: kept here, folded only if the kind says so.',
      ),
    state: StateValue.optional().describe('The state afterwards, where the turn changed it.'),
    reported: z
      .record(z.string(), z.union([z.boolean(), z.string(), z.null()]))
      .optional()
      .describe('Reported values other than numbers that the turn changed; null: it has gone.'),
    effects: z.array(Effect),
  })
  .meta({ id: 'JournalItem', description: 'One turn of a twin; revision 0 is its creation.' });
export type JournalItem = z.infer<typeof JournalItem>;

export const HomeJournalItem = JournalItem.extend({ twin: z.string() }).meta({
  id: 'HomeJournalItem',
  description: 'One turn of one of the twins of a home.',
});

export function toJournalItem(row: JournalRow): JournalItem {
  const { revision, eventId, source, cause, correlation, principal, late, state, reported } = row;
  return {
    revision,
    at: iso(row.at),
    receivedAt: iso(row.receivedAt),
    event: row.event as JournalItem['event'],
    eventId,
    source,
    cause,
    correlation,
    principal,
    ...(late && { late }),
    ...(state !== null && { state }),
    ...(reported !== null && { reported }),
    effects: row.effects.map(toEffect),
  };
}

export function toHomeJournalItem(row: JournalRow): z.infer<typeof HomeJournalItem> {
  return { twin: row.twin, ...toJournalItem(row) };
}
