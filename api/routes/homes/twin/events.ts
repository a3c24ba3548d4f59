import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { assertAddress, type EventData, saneTime } from '../../../../engine/index.ts';
import { JsonValue } from '../../../../features/contract/json-value.ts';
import { MomentValue } from '../../../../features/contract/moment.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import { Receipt, toReceipt } from '../../../../features/contract/receipt.ts';
import {
  always,
  conflict,
  etag,
  json,
  notFound,
  refused,
  stale,
  withBody,
} from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../../http/requester.ts';
import { etagOf, IfMatch } from '../../../http/revision.ts';
import { Refusal } from '../../../problem.ts';

const NewEvent = z
  .object({
    type: z.string().min(1).max(100).describe('One of the events that the twin’s kind lists.'),
    at: MomentValue.optional().describe(
      'When it happened: ISO 8601 or epoch ms. Default: now; also where it is before 2000 or more than 5 minutes ahead.',
    ),
  })
  .catchall(JsonValue)
  .meta({
    id: 'NewEvent',
    examples: [{ type: 'telemetry', power: 310, at: '2026-01-05T12:00:00Z' }],
  });

export function eventRoutes(app: App, { engine, identity }: RouteContext): void {
  app.post(
    '/homes/:home/twins/:twin/events',
    {
      config: { action: 'twin.steer' },
      schema: {
        operationId: 'sendEvent',
        tags: ['Steering'],
        summary: 'Tell a twin what happened',
        description:
          'What people and programs may tell it, as `GET /v1/kinds/{kind}` lists it. What only its device says (`telemetry`, `status`, `ack`) needs the permission `twin.report-for`. The receipt comes after the commit that holds the event: what it says has happened is stored.',
        params: TwinPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        body: NewEvent,
        response: {
          200: json('What became of it.', Receipt, etag),
          ...notFound,
          ...conflict,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, headers, principal }, reply) => {
      assertAddress(params);
      const { at, ...event } = body;
      assertNotElsewhere(event.type, params);
      const { key, ifRevision, principal: who } = requesterOf(principal, headers);
      const id = key ?? randomUUID();
      const receipt = toReceipt(
        await engine.dispatch({
          ...params,
          id,
          dedupe: key !== undefined,
          event: event as EventData,
          ...saneTime(at, engine.clock.now()),
          principal: who,
          source: 'rest',
          mayReport: (await identity.decide(principal, 'twin.report-for', params.home, params.twin))
            .may,
          ifUnknown: 'reject',
          answered: true,
          ...(ifRevision !== undefined && { ifRevision }),
        }),
      );
      return reply.header('etag', etagOf(receipt.revision)).send(receipt);
    },
  );
}

/** Events with an address of their own, and where that is. */
const ELSEWHERE: Readonly<Record<string, (twin: string) => string>> = {
  'desired.changed': (twin) => `PATCH ${twin}/desired`,
  'desired.released': (twin) => `DELETE ${twin}/leases`,
  'settings.changed': (twin) => `PATCH ${twin} {"settings": …}`,
  'command.requested': (twin) => `POST ${twin}/commands`,
  'twin.changed': (twin) => `PATCH ${twin} {"name": …, "room": …}`,
  'timer.fired': (twin) => `POST ${twin}/timers/{id}/fire`,
  'timer.cancelled': (twin) => `DELETE ${twin}/timers/{id}`,
  'alert.acknowledged': () => 'POST /v1/homes/{home}/alerts/{id}/acknowledge',
};

/** @throws Refusal for an event that has an address of its own */
function assertNotElsewhere(type: string, { home, twin }: { home: string; twin: string }): void {
  const elsewhere = Object.hasOwn(ELSEWHERE, type) ? ELSEWHERE[type] : undefined;
  if (!elsewhere) return;
  throw new Refusal('bad-input', `"${type}" cannot be sent as an event`, {
    hint: `Use ${elsewhere(`/v1/homes/${home}/twins/${twin}`)}.`,
  });
}
