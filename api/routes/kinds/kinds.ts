import { z } from 'zod';
import { type AnyKind, EngineError } from '../../../engine/index.ts';
import { listOf } from '../../../features/contract/pages.ts';
import { always, json, notFound } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { Kind, KindSummary, toKind, toKindSummary } from './kind-resource.ts';

export function kindRoutes(app: App, { engine, customKinds }: RouteContext): void {
  const isBuiltIn = ({ kind }: AnyKind) => !customKinds.has(kind);

  app.get(
    '/kinds',
    {
      config: { action: 'api.read' },
      schema: {
        operationId: 'listKinds',
        tags: ['Kinds'],
        summary: 'List the kinds of twin',
        description: 'Everything that this server’s twins can be, with the events they understand.',
        response: { 200: json('All kinds.', listOf(KindSummary)), ...always },
      },
    },
    () => ({
      items: [...engine.kinds.values()].map((kind) => toKindSummary(kind, isBuiltIn(kind))),
      nextCursor: null,
    }),
  );

  app.get(
    '/kinds/:kind',
    {
      config: { action: 'api.read' },
      schema: {
        operationId: 'readKind',
        tags: ['Kinds'],
        summary: 'Read one kind',
        description:
          'What it understands, and its behaviour: the statechart as an XState configuration and as a Mermaid diagram.',
        params: z.object({ kind: z.string().describe('The kind’s name.') }),
        response: { 200: json('The kind.', Kind), ...notFound, ...always },
      },
    },
    ({ params }) => {
      const kind = engine.kinds.get(params.kind);
      if (kind) return toKind(kind, isBuiltIn(kind));
      throw new EngineError('unknown-kind', `there is no kind "${params.kind}"`, {
        hint: `Known kinds: ${[...engine.kinds.keys()].join(', ')}.`,
      });
    },
  );
}
