import { always, json, notFound } from '../../../http/answers.ts';
import type { App, RouteContext } from '../../../http/app.ts';
import { assertAddress, TwinPath } from '../../../http/parameters.ts';
import { Replay, toReplay } from '../../../http/resources/replay.ts';

export function replayRoutes(app: App, { engine }: RouteContext): void {
  app.get(
    '/homes/:home/twins/:twin/replay',
    {
      // A long journal takes its time
      handlerTimeout: 60_000,
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
    async ({ params }) => {
      assertAddress(params);
      return toReplay(await engine.replay(params));
    },
  );
}
