/** What a room and its members say to each other: the event types that both sides import. */
import { z } from 'zod';
import { targetTemperature } from './target-temperature.ts';

const member = z.string();

/** The events from members to their room. */
export const toldToRoom = {
  /** `measuredAt`: epoch ms by the member's device. */
  'member.report': z.object({
    member,
    temperature: z.number().min(-80).max(120).optional(),
    humidity: z.number().min(0).max(100).optional(),
    measuredAt: z.number().optional(),
  }),
  'member.window': z.object({ member, open: z.boolean() }),
};

/** The events from a room to its members. */
export const toldToMembers = {
  /** Tells one that has just joined how things stand here. A member answers with what matters now. */
  'room.welcome': z.object({
    targetTemperature: targetTemperature.optional(),
    paused: z.boolean(),
  }),
  /** Tells one that has left that nothing of this room applies to it any more. */
  'room.farewell': z.object({}),
  'room.target': z.object({ targetTemperature }),
  'room.heating': z.object({ paused: z.boolean(), reason: z.enum(['window', 'alarm', 'none']) }),
};
