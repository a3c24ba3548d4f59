import { z } from 'zod';
import type { DeadLetterRow } from '../../../engine/index.ts';
import { EventValue } from '../../../features/contract/effect.ts';
import { AnyObject } from '../../../features/contract/json-value.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

const RefusedEvent = z.object({
  type: z.literal('envelope'),
  event: EventValue,
  eventId: z.string(),
  kind: z.string().optional().describe('What the source believed the twin to be.'),
  at: Moment,
  source: z.string(),
  principal: z.string(),
});
const RefusedPacket = z.object({
  type: z.literal('packet'),
  topic: z.string(),
  payload: z.string().describe('Base64.'),
  truncated: z.boolean().describe('Only its beginning was kept.'),
});
const RefusedDelivery = z.object({
  type: z.literal('delivery'),
  id: z.string().describe('The effect’s id.'),
  destination: z.string(),
  delivery: AnyObject,
});

export const DeadLetter = z
  .object({
    id: z.string(),
    home: z.string().nullable(),
    twin: z.string().nullable(),
    source: z.string(),
    code: z.string(),
    error: z.string(),
    hint: z.string().nullable().describe('What to do about it.'),
    at: Moment,
    attempts: z.int(),
    content: z.discriminatedUnion('type', [RefusedEvent, RefusedPacket, RefusedDelivery]),
  })
  .meta({
    id: 'DeadLetter',
    description:
      'Something that could not be folded or delivered, kept with what is needed to mend it.',
  });
export type DeadLetter = z.infer<typeof DeadLetter>;

export function toDeadLetter(row: DeadLetterRow): DeadLetter {
  const { id, home, twin, source, code, error, hint, at, attempts, content } = row;
  return {
    id,
    home,
    twin,
    source,
    code,
    error,
    hint,
    at: iso(at),
    attempts,
    content: toContent(content),
  };
}

function toContent(content: DeadLetterRow['content']): DeadLetter['content'] {
  switch (content.type) {
    case 'envelope': {
      const { event, id, kind, at, source, principal } = content.envelope;
      return {
        type: 'envelope',
        event: event as EventValue,
        eventId: id,
        ...(kind !== undefined && { kind }),
        at: iso(at),
        source,
        principal,
      };
    }
    case 'packet':
      return content;
    case 'delivery': {
      const { id, destination, delivery } = content.outbox;
      return {
        type: 'delivery',
        id,
        destination,
        delivery: delivery as unknown as z.infer<typeof AnyObject>,
      };
    }
  }
}
