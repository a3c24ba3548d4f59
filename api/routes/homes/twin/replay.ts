import { assertAddress } from '../../../../engine/index.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { Replay, toReplay } from '../../../http/resources/replay.ts';
import { jobsFor, LONG_MS } from '../../../http/rule-jobs.ts';

export function replayRoutes(app: App, { work }: RouteContext): void {
  app.get(
    '/homes/:home/twins/:twin/replay',
    {
      // A long journal takes its time
      handlerTimeout: LONG_MS,
      config: { action: 'twin.manage' },
      schema: {
        operationId: 'replayTwin',
        tags: ['Explaining'],
        summary: 'Prove that the journal gives the state',
        description:
          'Folds the journal from the latest checkpoint and compares with what is stored. Nothing changes and nothing is delivered.',
        params: TwinPath,
        response: { 200: json('What came of it.', Replay), ...notFound, ...always },
      },
    },
    async (request, reply) => {
      const { params } = request;
      assertAddress(params);
      return toReplay(await jobsFor(work, request, reply)('replay', params));
    },
  );
}
