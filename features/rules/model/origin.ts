/** Where a rule came from. */
import type { JsonObject } from '../../../engine/kind.ts';

export type Origin = {
  blueprint: string;
  /** The edition of the blueprint, as it was then: how often it had been defined. */
  edition: number;
  inputs: JsonObject;
  name?: string;
  description?: string;
};
