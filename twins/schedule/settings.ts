import { z } from 'zod';
import { type Exception, exceptions, type WeeklyPeriod, weekly } from './plan.ts';

export type Settings = { weekly: WeeklyPeriod[]; exceptions: Exception[] };

export const DEFAULTS: Settings = { weekly: [], exceptions: [] };

export const SETTINGS = ['weekly', 'exceptions'] as const;

export const settingsChange = z.object({
  weekly: weekly.nullable().optional(),
  exceptions: exceptions.nullable().optional(),
});
