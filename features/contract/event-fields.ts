import type { JsonObject } from '../../engine/index.ts';
import { AnyObject } from './json-value.ts';

/**
 * Fields of an event that has an address of its own. They travel beside the event's `type`, which
 * nobody may put in from outside: it would turn the request into another event.
 */
export const EventFields = AnyObject.refine(
  (fields: JsonObject) => !('type' in fields),
  'must not contain "type"',
).meta({ type: 'object', additionalProperties: true, not: { required: ['type'] } });
