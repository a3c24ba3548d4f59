import { z } from 'zod';
import type { Wishes } from './wishes.ts';

export type Settings = {
  /** What each of its twins is to want, by twin. */
  entries: Wishes;
  /** How long numbers take to get there; absent: at once. */
  transitionMs?: number;
};

export const DEFAULTS: Settings = { entries: {} };

export const SETTINGS = ['entries', 'transitionMs'] as const;

const MAX_TWINS = 100;
const MAX_VALUES_A_TWIN = 20;

const twinId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be the id of a twin');
const key = z
  .string()
  // It would stand where the event says what it is
  .regex(/^(?!type$)[A-Za-z][A-Za-z0-9._-]{0,63}$/, 'must be the name of a desired value');

export const transitionMs = z
  .number()
  .int()
  .min(0)
  .max(31 * 24 * 3_600_000);

export const settingsChange = z.object({
  entries: z
    .record(
      twinId,
      z
        .record(key, z.json())
        .refine(
          (values) => Object.keys(values).length <= MAX_VALUES_A_TWIN,
          `at most ${MAX_VALUES_A_TWIN} values a twin`,
        ),
    )
    .refine((entries) => Object.keys(entries).length <= MAX_TWINS, `at most ${MAX_TWINS} twins`)
    .nullable()
    .optional(),
  transitionMs: transitionMs.nullable().optional(),
});
