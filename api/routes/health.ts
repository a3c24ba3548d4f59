import { z } from 'zod';
import { json, problem } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { within } from '../http/within.ts';
import { Refusal } from '../problem.ts';

/** What an operator’s probe waits at most for the store. */
const PING_MS = 2_000;

const Healthy = z
  .object({ status: z.literal('ok'), version: z.string() })
  .meta({ id: 'Healthy', description: 'The process answers.' });
const Ready = z
  .object({
    ready: z.literal(true),
    warnings: z
      .array(z.string())
      .optional()
      .describe('What is not as it should be, though it does its work.'),
  })
  .meta({ id: 'Ready', description: 'It owns its homes, and everything that it needs answers.' });

export interface Readiness {
  ready: boolean;
  /** What is wrong, for an operator. */
  problems: string[];
  /** What is not as it should be, though it is ready. */
  warnings?: string[];
}

export function healthRoutes(
  app: App,
  { engine, version, readiness }: RouteContext & { version: string; readiness: () => Readiness },
): void {
  app.get(
    '/healthz',
    {
      config: { action: 'health.read' },
      schema: {
        operationId: 'isAlive',
        tags: ['Running'],
        summary: 'Whether the process lives',
        description: 'For a supervisor that restarts what does not answer. Needs no token.',
        security: [],
        response: { 200: json('It lives.', Healthy), 500: problem('A fault of the server.') },
      },
    },
    () => ({ status: 'ok' as const, version }),
  );

  app.get(
    '/readyz',
    {
      config: { action: 'health.read' },
      schema: {
        operationId: 'isReady',
        tags: ['Running'],
        summary: 'Whether it can do its work',
        description:
          'For a load balancer: the homes are owned, the store answers, the adapters are connected. Needs no token; with it, a 503 says what is wrong.',
        security: [],
        response: {
          200: json('It can.', Ready),
          500: problem('A fault of the server.'),
          503: problem('Not now.'),
        },
      },
    },
    async (request) => {
      const adapters = readiness();
      const problems = [...engine.health().problems, ...adapters.problems];
      const store = await within(PING_MS, engine.storage.ping()).catch(() => 'away');
      if (store === 'away') problems.push('the store does not answer');
      const { warnings = [] } = adapters;
      if (problems.length === 0 && adapters.ready)
        return { ready: true as const, ...(warnings.length > 0 && { warnings }) };
      // Such texts name hosts and files: not for everyone who can reach the port
      const detail =
        request.principal?.type === 'bootstrap'
          ? problems.join('; ')
          : 'something that it needs is away';
      throw new Refusal('not-ready', detail || 'an adapter is not ready', {
        hint: 'It goes on by itself when what is missing comes back.',
      });
    },
  );
}
