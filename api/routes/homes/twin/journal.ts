import { mustReadTwin } from '../../../../engine/index.ts';
import { listOf } from '../../../../features/contract/pages.ts';
import { PageQuery, TwinPath } from '../../../../features/contract/parameters.ts';
import { askAs, assertSeesTurns, SHOWN } from '../../../access/visibility.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { JournalItem, toJournalItem } from '../../../http/resources/journal-item.ts';

export function journalRoutes(app: App, { engine, identity }: RouteContext): void {
  app.get(
    '/homes/:home/twins/:twin/journal',
    {
      config: { action: SHOWN.turn },
      schema: {
        operationId: 'readJournal',
        tags: ['Explaining'],
        summary: 'Read what happened to a twin and what it did',
        description:
          'Newest first. Each item names the event that caused it, so that any state, command or alert can be walked back to what began it.',
        params: TwinPath,
        querystring: PageQuery,
        response: { 200: json('A page of turns.', listOf(JournalItem)), ...notFound, ...always },
      },
    },
    async ({ params, query, principal }) => {
      const { row } = await mustReadTwin(engine, params);
      await assertSeesTurns(askAs(identity, principal), row);
      const { items, nextCursor } = await engine.storage.listJournal(params, query);
      return { items: items.map(toJournalItem), nextCursor };
    },
  );
}
