import { assertAddress } from '../../../../engine/index.ts';
import { TwinPath } from '../../../../features/contract/parameters.ts';
import { accountOf } from '../../../../identity/index.ts';
import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { askerOf } from '../../../http/asker.ts';
import { Replay, toReplay } from '../../../http/resources/replay.ts';

/** How long a request may wait for its turn among others, and then for its answer, ms. */
const LONG_MS = 60_000;

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
      const { params, principal } = request;
      assertAddress(params);
      const asker = { account: accountOf(principal), signal: askerOf(reply) };
      return toReplay(await work.for(asker)('replay', params));
    },
  );
}
