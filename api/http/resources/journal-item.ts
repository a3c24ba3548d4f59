import { z } from 'zod';
import type { JournalRow } from '../../../engine/index.ts';
import { iso, Moment } from '../moment.ts';
import { Effect, EventValue, toEffect } from './effect.ts';
import { StateValue } from './twin.ts';

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
    effects: z.array(Effect),
  })
  .meta({ id: 'JournalItem', description: 'One turn of a twin; revision 0 is its creation.' });
export type JournalItem = z.infer<typeof JournalItem>;

export function toJournalItem(row: JournalRow): JournalItem {
  const { revision, eventId, source, cause, correlation, principal, late, state } = row;
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
    effects: row.effects.map(toEffect),
  };
}
