/** Schemas of the events that the engine tells twins of any kind: a kind declares those that its machine listens to. */
import { z } from 'zod';

/** The device's own word on its link (`status` topic, Last Will, availability). */
export const statusEvents = { status: z.object({ online: z.boolean() }) };

const intentOutcome = z.object({
  intent: z.string(),
  name: z.string(),
  args: z.record(z.string(), z.json()),
  error: z.string().optional(),
});

/** The life of this twin's commands, fed back to it. Declare those that the machine listens to. */
export const intentEvents = {
  'intent.sent': intentOutcome,
  'intent.acked': intentOutcome,
  'intent.confirmed': intentOutcome,
  'intent.failed': intentOutcome,
  'intent.expired': intentOutcome,
  'intent.superseded': intentOutcome,
};

/** Told to a room when twins come to belong to it, or no longer do. */
export const memberEvents = {
  'member.joined': z.object({ member: z.string(), kind: z.string() }),
  'member.left': z.object({ member: z.string(), kind: z.string() }),
};

/** Told to every twin of a home whose kind declares it. */
export const homeEvents = { 'home.changed': z.object({ timezone: z.string() }) };

/** A person has seen an alert of this twin. */
export const alertEvents = {
  'alert.acknowledged': z.object({ alert: z.string(), key: z.string() }),
};
