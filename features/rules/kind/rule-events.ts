/** What reaches a rule. */
import { z } from 'zod';
import { anyJson, anyJsonObject, type EventsOf, homeEvents } from '../../../engine/kind.ts';

const data = anyJsonObject();
export const events = {
  /** Another definition takes over. Checked before: an author's words never come this far unread. */
  'rule.defined': z.object({
    definition: data,
    source: z.string().nullable(),
    /** The rule beside which it is on trial: what it asks for is withheld. */
    draftOf: z.string().optional(),
    /** Where a rule that is made from a blueprint comes from. */
    origin: z
      .object({
        blueprint: z.string(),
        edition: z.number(),
        inputs: data,
        name: z.string().optional(),
        description: z.string().optional(),
      })
      .nullable()
      .optional(),
  }),
  'desired.changed': z.object({ enabled: z.boolean().nullable().optional() }),
  /** A watched twin has moved a trigger, or ended what a run waited for. */
  observed: z.object({
    twin: z.string(),
    turn: z.string(),
    moves: z.array(data).optional(),
    waits: z.array(data).optional(),
    /** To find out whether the change concerns the rule has cost too much. */
    exceeded: z.string().optional(),
    /** All rules of the home together have: this one was not asked. */
    leftOut: z.boolean().optional(),
    outcomes: z.array(data).optional(),
    /** The home is somewhere else: its sun rises at another time. */
    moved: z.boolean().optional(),
  }),
  /** A stored deadline of the rule. */
  due: z.object({ what: z.string() }),
  /** Somebody runs it by hand. */
  run: z.object({ conditions: z.boolean().default(true), data: data.optional() }),
  'webhook.called': z.object({ hook: z.string(), body: anyJson() }),
  /** The engine runs again; `start` names this time. */
  'engine.started': z.object({ start: z.string() }),
  /** The rules of its home are held back, or go on; this one tells the people of the home. */
  'rules.held': z.object({ reason: z.string().nullable() }),
  /** Somebody else prevails at a twin of which the rule wants something. */
  'desired.overruled': z.object({
    twin: z.string(),
    keys: z.array(z.string()),
    by: z.string(),
    until: z.number().nullable(),
    wish: z.string().optional(),
  }),
  ...homeEvents,
};
export type RuleEvent = EventsOf<typeof events>;
