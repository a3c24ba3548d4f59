import { z } from 'zod';
import type { IntentRow } from '../../../engine/index.ts';
import { AnyObject } from '../../../features/contract/json-value.ts';
import { iso, Moment, momentIf } from '../../../features/contract/moment.ts';

export const IntentStatus = z.enum([
  'pending',
  'sent',
  'acked',
  'confirmed',
  'failed',
  'expired',
  'superseded',
]);

/** What the live feed knows of an intent; the rest belongs to the delivery. */
export const IntentChange = z
  .object({
    id: z.string(),
    home: z.string(),
    twin: z.string(),
    name: z.string(),
    args: AnyObject,
    status: IntentStatus,
    createdAt: Moment,
    expiresAt: Moment,
    ackedAt: Moment.optional(),
    confirmedAt: Moment.optional(),
    endedAt: Moment.optional(),
    error: z.string().optional(),
    cause: z.string().describe('Id of the event whose turn asked for it.'),
    correlation: z.string(),
    principal: z.string().describe('Who asked.'),
  })
  .meta({ id: 'IntentChange', description: 'An intent as the live feed shows it.' });
export type IntentChange = z.infer<typeof IntentChange>;

export const Intent = IntentChange.extend({
  attempts: z.int().describe('How often its delivery was tried.'),
  sentAt: Moment.optional(),
}).meta({
  id: 'Intent',
  description: 'A command and its life: pending → sent → acked → confirmed, or how else it ended.',
  examples: [
    {
      id: 'home/pump@43#0',
      home: 'home',
      twin: 'pump',
      name: 'switch',
      args: { on: true },
      status: 'confirmed',
      attempts: 1,
      createdAt: '2026-01-05T12:00:00.000Z',
      expiresAt: '2026-01-05T12:01:00.000Z',
      sentAt: '2026-01-05T12:00:00.020Z',
      confirmedAt: '2026-01-05T12:00:01.300Z',
      endedAt: '2026-01-05T12:00:01.300Z',
      cause: '0b6f2c1e-6a0e-4a35-8a54-7a6b1f6d0c55',
      correlation: '0b6f2c1e-6a0e-4a35-8a54-7a6b1f6d0c55',
      principal: 'admin',
    },
  ],
});
export type Intent = z.infer<typeof Intent>;

export function toIntentChange(row: Omit<IntentRow, 'sentAt' | 'attempts'>): IntentChange {
  const { id, home, twin, name, args, status, error, cause, correlation, principal } = row;
  return {
    id,
    home,
    twin,
    name,
    args,
    status,
    createdAt: iso(row.createdAt),
    expiresAt: iso(row.expiresAt),
    ...momentIf('ackedAt', row.ackedAt),
    ...momentIf('confirmedAt', row.confirmedAt),
    ...momentIf('endedAt', row.endedAt),
    ...(error !== null && { error }),
    cause,
    correlation,
    principal,
  };
}

export function toIntent(row: IntentRow): Intent {
  return {
    ...toIntentChange(row),
    attempts: row.attempts,
    ...momentIf('sentAt', row.sentAt),
  };
}
