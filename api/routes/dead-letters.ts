import { z } from 'zod';
import { assertHomeName, EngineError } from '../../engine/index.ts';
import { listOf } from '../../features/contract/pages.ts';
import { HomePath, IdPath, OfHomePath, PageQuery } from '../../features/contract/parameters.ts';
import { always, json, notFound, withBody } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { DeadLetter, toDeadLetter } from '../http/resources/dead-letter.ts';

const Retried = z
  .object({
    resolved: z.boolean().describe('Whether it got through; then the letter is gone.'),
    reason: z.string().optional().describe('Why it did not.'),
    letter: DeadLetter,
  })
  .meta({ id: 'Retried', description: 'What came of trying a dead letter again.' });

const listed = { 200: json('A page of dead letters.', listOf(DeadLetter)), ...always };
const retried = { 200: json('What came of it.', Retried), ...notFound, ...withBody, ...always };

export function deadLetterRoutes(app: App, { engine }: RouteContext): void {
  const list = async (home: string | null, query: z.infer<typeof PageQuery>) => {
    const page = await engine.storage.listDeadLetters(home, query);
    return { items: page.items.map(toDeadLetter), nextCursor: page.nextCursor };
  };
  const retry = async (id: string) => {
    const { letter, ...outcome } = await engine.retryDeadLetter(id);
    return { ...outcome, letter: toDeadLetter(letter) };
  };

  app.get(
    '/dead-letters',
    {
      config: { action: 'platform.read' },
      schema: {
        operationId: 'listAllDeadLetters',
        tags: ['Mending'],
        summary: 'List everything that could not be folded or delivered',
        description: 'Newest first, of all homes and of none.',
        querystring: PageQuery,
        response: listed,
      },
    },
    ({ query }) => list(null, query),
  );

  app.post(
    '/dead-letters/:id/retry',
    {
      config: { action: 'platform.mend' },
      schema: {
        operationId: 'retryAnyDeadLetter',
        tags: ['Mending'],
        summary: 'Try a dead letter again',
        description:
          'Dispatches the event, reads the packet or delivers the effect once more. On success the letter is gone.',
        params: IdPath,
        response: retried,
      },
    },
    ({ params }) => retry(params.id),
  );

  app.get(
    '/homes/:home/dead-letters',
    {
      config: { action: 'home.mend' },
      schema: {
        operationId: 'listDeadLetters',
        tags: ['Mending'],
        summary: 'List what could not be folded or delivered in a home',
        description: 'Newest first. The home need not exist: its first message may be the letter.',
        params: HomePath,
        querystring: PageQuery,
        response: { ...listed, ...notFound },
      },
    },
    ({ params, query }) => {
      assertHomeName(params.home);
      return list(params.home, query);
    },
  );

  app.post(
    '/homes/:home/dead-letters/:id/retry',
    {
      config: { action: 'home.mend' },
      schema: {
        operationId: 'retryDeadLetter',
        tags: ['Mending'],
        summary: 'Try a dead letter of a home again',
        description: 'As above, and 404 for a letter of another home.',
        params: OfHomePath,
        response: retried,
      },
    },
    async ({ params }) => {
      assertHomeName(params.home);
      const letter = await engine.storage.getDeadLetter(params.id);
      if (letter?.home === params.home) return retry(params.id);
      throw new EngineError('not-found', `home ${params.home} has no dead letter ${params.id}`);
    },
  );
}
