import { EngineError, mustReadHome } from '../../../engine/index.ts';
import { listOf } from '../../../features/contract/pages.ts';
import {
  HomePath,
  OfHomePath,
  PageQuery,
  QueryText,
} from '../../../features/contract/parameters.ts';
import { Receipt, toReceipt } from '../../../features/contract/receipt.ts';
import { SHOWN } from '../../access/visibility.ts';
import { always, json, notFound, refused, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../http/requester.ts';
import { Alert, AlertStatus, toAlert } from '../../http/resources/alert.ts';

const AlertQuery = PageQuery.extend({
  twin: QueryText.optional(),
  status: AlertStatus.optional(),
});

export function alertRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/homes/:home/alerts',
    {
      config: { action: SHOWN.alert },
      schema: {
        operationId: 'listAlerts',
        tags: ['Alerts'],
        summary: 'List the alerts of a home',
        description: 'Newest first. `status=raised` shows what nobody has looked at yet.',
        params: HomePath,
        querystring: AlertQuery,
        response: { 200: json('A page of alerts.', listOf(Alert)), ...notFound, ...always },
      },
    },
    async ({ params, query }) => {
      await mustReadHome(engine, params.home);
      const { limit, cursor, ...filter } = query;
      const page = await engine.storage.listAlerts(params.home, filter, { limit, cursor });
      return { items: page.items.map(toAlert), nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/homes/:home/alerts/:id',
    {
      config: { action: SHOWN.alert },
      schema: {
        operationId: 'readAlert',
        tags: ['Alerts'],
        summary: 'Read one alert',
        params: OfHomePath,
        response: { 200: json('The alert.', Alert), ...notFound, ...always },
      },
    },
    async ({ params }) => {
      await mustReadHome(engine, params.home);
      const alert = await engine.storage.getAlert(params.home, params.id);
      if (alert) return toAlert(alert);
      throw new EngineError('not-found', `home ${params.home} has no alert ${params.id}`, {
        hint: 'Ids contain "/", "@" and "#": percent-encode them.',
      });
    },
  );

  app.post(
    '/homes/:home/alerts/:id/acknowledge',
    {
      config: { action: 'alerts.acknowledge' },
      schema: {
        operationId: 'acknowledgeAlert',
        tags: ['Alerts'],
        summary: 'Say that a person has seen an alert',
        description:
          'It stays until the condition is over. `ignored` when it was cleared or acknowledged before.',
        params: OfHomePath,
        headers: IdempotencyKey,
        response: {
          200: json('What became of it.', Receipt),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, headers, principal }) => {
      await mustReadHome(engine, params.home);
      return toReceipt(
        await engine.acknowledgeAlert(params.home, params.id, requesterOf(principal, headers)),
      );
    },
  );
}
