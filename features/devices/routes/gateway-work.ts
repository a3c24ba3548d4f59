/** What gateways do: report, upload, fetch. */
import { z } from 'zod';
import type { DeliveryRow, EventData } from '../../../engine/index.ts';
import { EventFields } from '../../contract/event-fields.ts';
import { JsonValue } from '../../contract/json-value.ts';
import { iso, Moment, MomentValue } from '../../contract/moment.ts';
import { QueryText } from '../../contract/parameters.ts';
import { type FeatureRoute, route } from '../../contract/route.ts';
import { dispatchReports } from '../gateways/device-reports.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Gateways'];
const LOG_BYTES = 16 * 1024 * 1024;
const LONG_MS = 120_000;
const LONGEST_POLL_S = 55;
const POLL_MS = 70_000;
const DeviceId = z.string().min(1).max(64).describe('The id of a twin that is assigned to it.');
const Reading = z
  .object({ at: MomentValue })
  .catchall(JsonValue)
  .meta({ examples: [{ at: '2026-01-05T12:00:00Z', temperature: 20.5 }] });
const Upload = z
  .strictObject({
    logs: z
      .array(
        z.strictObject({
          device: DeviceId,
          date: z.iso.date().describe('A day by the clock of the home.'),
          readings: z.array(Reading).max(20_000).describe('In the order of their time.'),
        }),
      )
      .min(1)
      .max(500),
  })
  .meta({ id: 'LogUpload' });
const Uploaded = z
  .object({
    results: z.array(
      z.object({
        device: z.string(),
        date: z.string(),
        status: z
          .enum(['accepted', 'already', 'refused'])
          .describe('`already`: this day of this device has been brought before, and counts once.'),
        accepted: z.int(),
        refused: z.int(),
        reasons: z
          .array(z.object({ reading: z.int().optional(), reason: z.string() }))
          .describe('Why the log, or its first bad readings by their place, do not count.'),
      }),
    ),
  })
  .meta({ id: 'LogUploadResult', description: 'What became of each log, in their order.' });

const Report = z
  .strictObject({
    device: DeviceId,
    type: z
      .string()
      .min(1)
      .max(100)
      .default('telemetry')
      .describe('`telemetry`, `status` (with `online`), or an event of the twin’s kind.'),
    data: EventFields.default({}),
    at: MomentValue.optional().describe('Default: now.'),
    id: QueryText.optional().describe('The same id counts once.'),
  })
  .meta({ id: 'DeviceReport', examples: [{ device: 'trv', data: { temperature: 20.5 } }] });
const Reports = z
  .strictObject({ reports: z.array(Report).min(1).max(1_000) })
  .meta({ id: 'Reports' });
const Reported = z
  .object({
    accepted: z.int(),
    refused: z.array(z.object({ report: z.int(), reason: z.string() })),
  })
  .meta({ id: 'Reported', description: 'What became of the reports.' });

const Fetch = z
  .strictObject({
    waitSeconds: z
      .number()
      .int()
      .min(0)
      .max(LONGEST_POLL_S)
      .default(30)
      .describe('How long to wait for the first one.'),
    received: z
      .array(z.string().min(1).max(300))
      .max(1_000)
      .default([])
      .describe('Ids from former answers that it has: these do not come again.'),
    acks: z
      .array(
        z.strictObject({
          device: DeviceId,
          id: QueryText,
          ok: z.boolean(),
          error: z.string().max(1_000).optional(),
        }),
      )
      .max(1_000)
      .default([])
      .describe('What devices have said of their commands.'),
  })
  .meta({ id: 'CommandFetch', examples: [{ waitSeconds: 30, received: ['home/trv@7#0'] }] });
const Fetched = z
  .object({
    items: z.array(
      z.object({
        id: z.string(),
        device: z.string(),
        type: z.enum(['command', 'desired']),
        name: z.string().optional(),
        args: z.record(z.string(), JsonValue).optional(),
        expiresAt: Moment.optional(),
        desired: z.record(z.string(), JsonValue).optional(),
        revision: z.int().optional(),
      }),
    ),
  })
  .meta({ id: 'FetchedCommands', description: 'In order for each device. Again, until received.' });

export function gatewayWorkRoutes(context: DevicesContext): FeatureRoute[] {
  const { engine, access, logs, pullQueue, newId } = context;
  const objectionTo = (home: string, gateway: string, device: string): string | null =>
    access.gateways.speakerFor(home, device)?.id === gateway
      ? null
      : 'this device is not assigned to the gateway';
  return [
    route({
      method: 'POST',
      path: '/gateways/logs',
      action: 'gateway.work',
      bodyLimit: LOG_BYTES,
      longMs: LONG_MS,
      operationId: 'uploadLogs',
      tags,
      summary: 'Upload what devices have measured, day by day',
      description:
        'Each day of each device counts once: send the same list again after any failure. One bad reading, or one bad log, keeps no other from counting. A reading older than what the twin has heard since is journaled and shows in its history; it does not turn the twin back.',
      body: Upload,
      answer: { description: 'What became of them.', schema: Uploaded },
      problems: [],
      async handle({ body, principal, gateway }) {
        const { id, home } = gateway();
        const given = body.logs.map(({ readings, ...log }) => ({
          ...log,
          readings: readings.map(({ at, type: _type, ...values }) => ({ at, values })),
        }));
        return { results: await logs.take({ id, home, principal }, given) };
      },
    }),

    route({
      method: 'POST',
      path: '/gateways/reports',
      action: 'gateway.work',
      operationId: 'report',
      tags,
      summary: 'Report what devices say now',
      description: 'What they would say over MQTT.',
      body: Reports,
      answer: { description: 'What became of them.', schema: Reported },
      problems: [],
      async handle({ body: { reports }, principal, gateway }) {
        const { id: asker, home } = gateway();
        const objections = reports.map(({ device }) => objectionTo(home, asker, device));
        const good = reports.flatMap((report, index) =>
          objections[index] === null ? [{ report, index }] : [],
        );
        const verdicts = await dispatchReports(
          engine,
          good.map(({ report: { device, type, data, at, id } }) => ({
            ...{ home, twin: device, at, id: id ?? newId(), principal },
            event: { ...data, type } as EventData,
          })),
        );
        for (const [place, { index }] of good.entries()) {
          objections[index] = verdicts[place] ?? null;
        }
        const refused = objections.flatMap((reason, report) =>
          reason === null ? [] : [{ report, reason }],
        );
        return { accepted: objections.length - refused.length, refused };
      },
    }),

    route({
      method: 'POST',
      path: '/gateways/commands',
      action: 'gateway.work',
      longMs: POLL_MS,
      operationId: 'fetchCommands',
      tags,
      summary: 'Fetch what is for its devices, waiting for it',
      description:
        'For gateways made with `"commands": "fetch"`. A command comes again until it is `received`, has expired, or was withdrawn: do each id once.',
      body: Fetch,
      answer: { description: 'What waits.', schema: Fetched },
      problems: [],
      async handle({ body, principal, gateway }) {
        const { id: asker, home } = gateway();
        const acks = body.acks.filter(({ device }) => objectionTo(home, asker, device) === null);
        await dispatchReports(
          engine,
          acks.map(({ device, id, ok, error }) => ({
            ...{ home, twin: device, at: undefined, id: `ack ${id}`, principal },
            event: { type: 'ack', intent: id, ok, ...(error !== undefined && { error }) },
          })),
        );
        const rows = await pullQueue.fetch(asker, body.received, body.waitSeconds * 1_000);
        return { items: rows.map(toItem) };
      },
    }),
  ];
}

function toItem({ id, twin, delivery, expiresAt }: DeliveryRow) {
  const item = { id, device: twin };
  if (delivery.type === 'command') {
    const { name, args } = delivery;
    const until = expiresAt === null ? {} : { expiresAt: iso(expiresAt) };
    return { ...item, type: 'command' as const, name, args, ...until };
  }
  if (delivery.type !== 'desired') throw new Error(`no gateway takes ${delivery.type}`);
  const { desired, revision } = delivery;
  return { ...item, type: 'desired' as const, desired, revision };
}
