import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { MomentText } from '../../../features/contract/moment.ts';
import { listOf } from '../../../features/contract/pages.ts';
import { HomePath, PageQuery, QueryText } from '../../../features/contract/parameters.ts';
import { askAs, assertMayExplain, hiddenKinds } from '../../access/visibility.ts';
import { always, json, notFound } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { HomeJournalItem, toHomeJournalItem } from '../../http/resources/journal-item.ts';
import { Refusal } from '../../problem.ts';

const JournalQuery = PageQuery.extend({
  twin: QueryText.optional(),
  kind: QueryText.optional().describe('Only of twins of this kind.'),
  type: QueryText.optional().describe('Only events of this type.'),
  principal: QueryText.optional().describe('Only what this one asked for.'),
  changed: z
    .enum(['true', 'false'])
    .default('false')
    .describe('`true`: only turns that changed the state, or what is reported beside numbers.'),
  from: MomentText.optional().describe('ISO 8601 or epoch ms, inclusive.'),
  to: MomentText.optional().describe('ISO 8601 or epoch ms, exclusive.'),
});

export function homeJournalRoutes(app: App, { engine, identity }: RouteContext): void {
  app.get(
    '/homes/:home/journal',
    {
      config: { action: 'home.explain' },
      schema: {
        operationId: 'readHomeJournal',
        tags: ['Explaining'],
        summary: 'Read what happened in a home',
        description:
          'The turns of all its twins, newest first. A page may have fewer items than asked for, or none, and another after it: so many turns are looked at for one page, whether they pass the filters or not. Turns that show what an author wrote are for who may read that.',
        params: HomePath,
        querystring: JournalQuery,
        response: {
          200: json('A page of turns.', listOf(HomeJournalItem)),
          ...notFound,
          ...always,
        },
      },
    },
    async ({ params, query, principal }) => {
      const { home } = params;
      await mustReadHome(engine, home);
      const may = askAs(identity, principal);
      await assertMayExplain(may, home);
      const { limit, cursor, changed, ...rest } = query;
      if (rest.from !== undefined && rest.to !== undefined && rest.from >= rest.to) {
        throw new Refusal('malformed', '"from" must be before "to"');
      }
      const exceptKinds = await hiddenKinds(may, home);
      const filter = { ...rest, changed: changed === 'true', exceptKinds };
      const page = await engine.journal(home, filter, { limit, cursor });
      return { items: page.items.map(toHomeJournalItem), nextCursor: page.nextCursor };
    },
  );
}
