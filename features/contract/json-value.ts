import { z } from 'zod';
import type { Json, JsonObject } from '../../engine/index.ts';

// What arrives has been parsed as JSON and what leaves is written as JSON: there is nothing to check,
// and walking every state of every twin on each answer would cost more than reading it

/** Any JSON value. */
export const JsonValue = z.custom<Json>();

/** Any JSON object. */
export const AnyObject = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  )
  .meta({ type: 'object', additionalProperties: true });
