/** What gateways do: sign in, report, upload, fetch. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { DeliveryRow, EventData } from '../../../engine/index.ts';
import { JsonValue } from '../../../features/contract/json-value.ts';
import { iso, Moment, MomentValue } from '../../../features/contract/moment.ts';
import { QueryText } from '../../../features/contract/parameters.ts';
import { nameOf, type Principal } from '../../../identity/index.ts';
import { DayLogs } from '../../gateways/day-logs.ts';
import { dispatchReports } from '../../gateways/device-reports.ts';
import { always, json, open, withBody, wrong } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { EventFields } from '../../http/event-fields.ts';
import { Tokens, toTokens } from '../../http/resources/account.ts';
import { Refusal } from '../../problem.ts';

const TAGS = ['Gateways'];
const LOG_BYTES = 16 * 1024 * 1024;
const LONG_MS = 120_000;
const LONGEST_POLL_S = 55;
const POLL_MS = 70_000;

const Login = z
  .strictObject({ deviceId: z.string().min(1).max(64), secret: z.string().min(1).max(200) })
  .meta({ id: 'GatewayLogin' });
const Refresh = z
  .strictObject({ refreshToken: z.string().min(1).max(200) })
  .meta({ id: 'GatewayRefresh' });

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

type Worker = Principal & { type: 'gateway' };

export function gatewayRoutes(
  app: App,
  { engine, identity, devices: { pullQueue } }: RouteContext,
): void {
  const { gateways, sessions } = identity;
  const logs = new DayLogs(engine, identity);
  const objectionTo = ({ gateway, home }: Worker, device: string): string | null =>
    gateways.speakerFor(home, device)?.id === gateway
      ? null
      : 'this device is not assigned to the gateway';

  app.post(
    '/gateways/login',
    {
      config: { action: 'gateway.enter' },
      schema: {
        operationId: 'loginGateway',
        tags: TAGS,
        summary: 'Sign in as a gateway',
        description: 'The access token carries the gateway and its home.',
        security: [],
        body: Login,
        response: { 200: json('Signed in.', Tokens), ...wrong, ...withBody, ...open },
      },
    },
    async (request) => {
      const { deviceId, secret } = request.body;
      const grant = await gateways.login(deviceId, secret, request.ip);
      const home = gateways.find(deviceId)?.home ?? '';
      request.principal = { type: 'gateway', gateway: deviceId, home, session: grant.session };
      return toTokens(grant);
    },
  );

  app.post(
    '/gateways/refresh',
    {
      config: { action: 'gateway.enter' },
      schema: {
        operationId: 'refreshGateway',
        tags: TAGS,
        summary: 'Trade a gateway’s refresh token for the next pair',
        description: 'Each counts once; one that comes a second time ends the session.',
        security: [],
        body: Refresh,
        response: { 200: json('The next pair.', Tokens), ...wrong, ...withBody, ...open },
      },
    },
    async ({ body, ip }) => toTokens(await sessions.refresh(body.refreshToken, ip)),
  );

  app.post(
    '/gateways/logs',
    {
      bodyLimit: LOG_BYTES,
      handlerTimeout: LONG_MS,
      config: { action: 'gateway.work' },
      schema: {
        operationId: 'uploadLogs',
        tags: TAGS,
        summary: 'Upload what devices have measured, day by day',
        description:
          'Each day of each device counts once: send the same list again after any failure. One bad reading, or one bad log, keeps no other from counting. A reading older than what the twin has heard since is journaled and shows in its history; it does not turn the twin back.',
        body: Upload,
        response: { 200: json('What became of them.', Uploaded), ...withBody, ...always },
      },
    },
    async ({ body, principal }) => {
      const { gateway, home } = workerOf(principal);
      const worker = { id: gateway, home, principal: `gateway:${gateway}` };
      const given = body.logs.map(({ readings, ...log }) => ({
        ...log,
        readings: readings.map(({ at, type: _type, ...values }) => ({ at, values })),
      }));
      return { results: await logs.take(worker, given) };
    },
  );

  app.post(
    '/gateways/reports',
    {
      config: { action: 'gateway.work' },
      schema: {
        operationId: 'report',
        tags: TAGS,
        summary: 'Report what devices say now',
        description: 'What they would say over MQTT.',
        body: Reports,
        response: { 200: json('What became of them.', Reported), ...withBody, ...always },
      },
    },
    async ({ body, principal }) => {
      const worker = workerOf(principal);
      const objections = body.reports.map(({ device }) => objectionTo(worker, device));
      const good = body.reports.flatMap((report, index) =>
        objections[index] === null ? [{ report, index }] : [],
      );
      const verdicts = await dispatchReports(
        engine,
        good.map(({ report: { device, type, data, at, id } }) => ({
          ...{ home: worker.home, twin: device, at, id: id ?? randomUUID() },
          event: { ...data, type } as EventData,
          principal: nameOf(worker),
        })),
      );
      for (const [place, { index }] of good.entries()) objections[index] = verdicts[place] ?? null;
      const refused = objections.flatMap((reason, report) =>
        reason === null ? [] : [{ report, reason }],
      );
      return { accepted: objections.length - refused.length, refused };
    },
  );

  app.post(
    '/gateways/commands',
    {
      handlerTimeout: POLL_MS,
      config: { action: 'gateway.work' },
      schema: {
        operationId: 'fetchCommands',
        tags: TAGS,
        summary: 'Fetch what is for its devices, waiting for it',
        description:
          'For gateways made with `"commands": "fetch"`. A command comes again until it is `received`, has expired, or was withdrawn: do each id once.',
        body: Fetch,
        response: { 200: json('What waits.', Fetched), ...withBody, ...always },
      },
    },
    async ({ body, principal }) => {
      const worker = workerOf(principal);
      const acks = body.acks.filter(({ device }) => objectionTo(worker, device) === null);
      await dispatchReports(
        engine,
        acks.map(({ device, id, ok, error }) => ({
          ...{ home: worker.home, twin: device, at: undefined, id: `ack ${id}` },
          event: { type: 'ack', intent: id, ok, ...(error !== undefined && { error }) },
          principal: nameOf(worker),
        })),
      );
      const rows = await pullQueue.fetch(worker.gateway, body.received, body.waitSeconds * 1_000);
      return { items: rows.map(toItem) };
    },
  );
}

function workerOf(principal: Principal | null): Worker {
  if (principal?.type === 'gateway') return principal;
  throw new Refusal('forbidden', 'this is for gateways');
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
