/** Limits of measurements, each with a gap between crossing and being back. */
import { z } from 'zod';

export type Limit = { min?: number; max?: number; hysteresis?: number };

export const limit: z.ZodType<Limit> = z
  .object({
    min: z.number().exactOptional(),
    max: z.number().exactOptional(),
    /** How far back within the limit a value must be to clear its alert. Default 0. */
    hysteresis: z.number().min(0).exactOptional(),
  })
  .refine((l) => l.min !== undefined || l.max !== undefined, 'needs a min or a max')
  .refine((l) => (l.min ?? -Infinity) < (l.max ?? Infinity), 'min must be below max');

/** What a judgement of the values against their limits comes to. */
export interface Judgement {
  /** Names beyond their limit, in order. */
  exceeded: string[];
  raised: { name: string; value: number; limit: Limit }[];
  cleared: string[];
}

/** Holds the values against the limits; `exceeded` are the names that were beyond theirs before. */
export function judge(
  limits: Readonly<Record<string, Limit>>,
  values: Readonly<Record<string, unknown>>,
  exceeded: readonly string[],
): Judgement {
  const judgement: Judgement = { exceeded: [], raised: [], cleared: [] };
  for (const [name, bounds] of Object.entries(limits)) {
    const value = values[name];
    const before = exceeded.includes(name);
    if (typeof value !== 'number') continue;
    if (isBeyond(value, bounds, before ? (bounds.hysteresis ?? 0) : 0)) {
      judgement.exceeded.push(name);
      if (!before) judgement.raised.push({ name, value, limit: bounds });
    } else if (before) judgement.cleared.push(name);
  }
  for (const name of exceeded) if (!Object.hasOwn(limits, name)) judgement.cleared.push(name);
  return judgement;
}

/** @param gap how far within the limit still counts as beyond */
function isBeyond(value: number, { min, max }: Limit, gap: number): boolean {
  return (max !== undefined && value > max - gap) || (min !== undefined && value < min + gap);
}
