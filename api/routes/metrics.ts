import { z } from 'zod';
import { always } from '../http/answers.ts';
import type { App } from '../http/app.ts';
import type { Metrics } from '../metrics.ts';

export function metricsRoutes(app: App, metrics: Metrics): void {
  app.get(
    '/metrics',
    {
      config: { action: 'metrics.read' },
      schema: {
        operationId: 'readMetrics',
        tags: ['Running'],
        summary: 'Read the numbers for Prometheus',
        description: 'Answers while the store is away, too. Give the scraper the token.',
        response: {
          200: {
            description: 'Prometheus text format.',
            content: { 'text/plain': { schema: z.string() } },
          },
          ...always,
        },
      },
    },
    async (_request, reply) => {
      const text = await metrics.scrape();
      return reply.type(metrics.contentType).send(text);
    },
  );
}
