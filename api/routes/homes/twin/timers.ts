import { assertAddress, mustReadTwin } from '../../../../engine/index.ts';
import { listOf } from '../../../../features/contract/pages.ts';
import { TimerPath, TwinPath } from '../../../../features/contract/parameters.ts';
import { Receipt, toReceipt } from '../../../../features/contract/receipt.ts';
import { Timer, toTimer } from '../../../../features/contract/timer.ts';
import { always, json, notFound, refused, stale, withBody } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../../http/requester.ts';
import { IfMatch } from '../../../http/revision.ts';

export function timerRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/homes/:home/twins/:twin/timers',
    {
      config: { action: 'twin.explain' },
      schema: {
        operationId: 'listTimers',
        tags: ['Steering'],
        summary: 'List a twin’s deadlines',
        description: 'What will happen by itself, and when. All of them on one page.',
        params: TwinPath,
        response: { 200: json('The timers.', listOf(Timer)), ...notFound, ...always },
      },
    },
    async ({ params }) => {
      const { row } = await mustReadTwin(engine, params);
      const items = [...row.state.timers].sort((a, b) => a.due - b.due).map(toTimer);
      return { items, nextCursor: null };
    },
  );

  app.post(
    '/homes/:home/twins/:twin/timers/:id/fire',
    {
      config: { action: 'twin.manage' },
      schema: {
        operationId: 'fireTimer',
        tags: ['Steering'],
        summary: 'Let a deadline come now',
        description: 'As if it fell due. A recurrence goes on with its next occurrence.',
        params: TimerPath,
        headers: IfMatch.extend(IdempotencyKey.shape),
        response: {
          200: json('What became of it.', Receipt),
          ...notFound,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, headers, principal }) => {
      assertAddress(params);
      const { id, ...address } = params;
      return toReceipt(await engine.fireTimer(address, id, requesterOf(principal, headers)));
    },
  );

  app.delete(
    '/homes/:home/twins/:twin/timers/:id',
    {
      config: { action: 'twin.manage' },
      schema: {
        operationId: 'cancelTimer',
        tags: ['Steering'],
        summary: 'Cancel a deadline',
        description: 'It never comes. A recurrence ends.',
        params: TimerPath,
        headers: IfMatch,
        response: {
          200: json('What became of it.', Receipt),
          ...notFound,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, headers, principal }) => {
      assertAddress(params);
      const { id, ...address } = params;
      return toReceipt(await engine.cancelTimer(address, id, requesterOf(principal, headers)));
    },
  );
}
