/** What subscribers are sent, over SSE and WebSocket alike: the shapes of the REST API. */
import { z } from 'zod';
import {
  type Change,
  GAP_REASONS,
  type GapReason,
  type Json,
  positionText,
} from '../../engine/index.ts';
import { Effect, EventValue, toEffect } from '../../features/contract/effect.ts';
import { AnyObject, JsonValue } from '../../features/contract/json-value.ts';
import { iso, Moment } from '../../features/contract/moment.ts';
import { Twin } from '../../features/contract/twin.ts';
import { Alert, toAlert } from '../http/resources/alert.ts';
import { IntentChange, toIntentChange } from '../http/resources/intent.ts';

/** A turn of a twin, as it is seen from outside. */
const TwinChanged = z
  .object({
    home: z.string(),
    id: z.string(),
    kind: z.string(),
    revision: z.int(),
    at: Moment.describe('When what it was told happened.'),
    event: EventValue.optional().describe(
      'What it was told. This and what led to it and followed from it: for those who may read its journal.',
    ),
    eventId: z.string().optional(),
    cause: z.string().nullable().optional(),
    correlation: z.string().optional(),
    state: JsonValue,
    reported: AnyObject,
    desired: AnyObject,
    effects: z.array(Effect).optional(),
  })
  .meta({
    id: 'TwinChanged',
    description: 'A turn of a twin: what it was told, how it is now, and what it asked for.',
  });

export const LiveMessage = z
  .discriminatedUnion('event', [
    z.object({ event: z.literal('hello'), data: z.object({ at: Moment }) }),
    z.object({ event: z.literal('snapshot'), data: Twin }),
    z.object({ event: z.literal('snapshot.end'), data: z.object({ twins: z.int() }) }),
    z.object({ event: z.literal('twin'), data: TwinChanged }),
    z.object({
      event: z.literal('twin.removed'),
      data: z.object({ home: z.string(), id: z.string() }),
    }),
    z.object({ event: z.literal('intent'), data: IntentChange }),
    z.object({ event: z.literal('alert'), data: Alert }),
    z.object({
      event: z.literal('lagged'),
      data: z.object({
        missed: z.int(),
        resume: z
          .string()
          .optional()
          .describe('From here on a new stream tells all of it; absent: not any more.'),
      }),
    }),
    z.object({
      event: z.literal('gap'),
      data: z.object({
        reason: z.enum(Object.keys(GAP_REASONS) as [GapReason, ...GapReason[]]),
        detail: z.string(),
      }),
    }),
    z.object({ event: z.literal('position'), data: z.object({}) }),
  ])
  .meta({
    id: 'LiveMessage',
    description:
      'What a subscriber is sent, each with an `id` where the stream can go on after it. `lagged`: it read too slowly and missed that many. `gap`: the stream cannot go on where it was cut off, and begins now. After either, read the twins again. `position`: nothing else has happened up to this id.',
  });
export type LiveMessage = z.infer<typeof LiveMessage>;

/** A message with the position at which a stream goes on that has got it. */
export type PlacedMessage = LiveMessage & { id?: string };

export function gapMessage(reason: GapReason): LiveMessage {
  return { event: 'gap', data: { reason, detail: GAP_REASONS[reason] } };
}

export function toPlacedMessage(change: Change): PlacedMessage {
  const message = toLiveMessage(change);
  const position = 'position' in change ? change.position : undefined;
  return position ? { ...message, id: positionText(position) } : message;
}

function toLiveMessage(change: Change): LiveMessage {
  switch (change.type) {
    case 'twin': {
      const { home, twin: id, kind, revision, at, event, eventId, cause, correlation } = change;
      const { state, reported, desired, effects } = change;
      return {
        event: 'twin',
        data: {
          home,
          id,
          kind,
          revision,
          at: iso(at),
          event: event as { type: string; [field: string]: Json },
          eventId,
          cause,
          correlation,
          state,
          reported,
          desired,
          effects: effects.map(toEffect),
        },
      };
    }
    case 'twin.removed':
      return { event: 'twin.removed', data: { home: change.home, id: change.twin } };
    case 'intent':
      return { event: 'intent', data: toIntentChange(change.intent) };
    case 'alert':
      return { event: 'alert', data: toAlert(change.alert) };
    case 'lagged':
      return {
        event: 'lagged',
        data: {
          missed: change.missed,
          ...(change.resume && { resume: positionText(change.resume) }),
        },
      };
    case 'gap':
      return gapMessage(change.reason);
    case 'position':
      return { event: 'position', data: {} };
  }
}
