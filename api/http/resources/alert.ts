import { z } from 'zod';
import type { AlertRow } from '../../../engine/index.ts';
import { AnyObject } from '../../../features/contract/json-value.ts';
import { iso, Moment, momentIf } from '../../../features/contract/moment.ts';

export const AlertStatus = z.enum(['raised', 'acknowledged', 'cleared']);
const Severity = z.enum(['info', 'warning', 'critical']);

export const Alert = z
  .object({
    id: z.string(),
    home: z.string(),
    twin: z.string(),
    key: z.string().describe('Names the condition within the twin.'),
    severity: Severity,
    status: AlertStatus,
    message: z.string(),
    data: AnyObject.optional(),
    raisedAt: Moment,
    acknowledgedAt: Moment.optional(),
    acknowledgedBy: z.string().optional(),
    clearedAt: Moment.optional(),
    cause: z.string().describe('Id of the event whose turn raised it.'),
    correlation: z.string(),
  })
  .meta({
    id: 'Alert',
    description: 'Something a person should know: raised → acknowledged → cleared.',
    examples: [
      {
        id: 'home/pump@40#0',
        home: 'home',
        twin: 'pump',
        key: 'overload',
        severity: 'critical',
        status: 'raised',
        message: 'draws 3900 W, limit 3600 W',
        raisedAt: '2026-01-05T12:00:00.000Z',
        cause: '0b6f2c1e-6a0e-4a35-8a54-7a6b1f6d0c55',
        correlation: '0b6f2c1e-6a0e-4a35-8a54-7a6b1f6d0c55',
      },
    ],
  });
export type Alert = z.infer<typeof Alert>;

export function toAlert(row: AlertRow): Alert {
  const { id, home, twin, key, severity, status, message, data, cause, correlation } = row;
  return {
    id,
    home,
    twin,
    key,
    severity,
    status,
    message,
    ...(data !== null && { data }),
    raisedAt: iso(row.raisedAt),
    ...momentIf('acknowledgedAt', row.acknowledgedAt),
    ...(row.acknowledgedBy !== null && { acknowledgedBy: row.acknowledgedBy }),
    ...momentIf('clearedAt', row.clearedAt),
    cause,
    correlation,
  };
}
