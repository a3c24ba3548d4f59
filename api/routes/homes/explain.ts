/** Why something was done, and why it was not. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { OfHomePath, RulePath } from '../../../features/contract/parameters.ts';
import {
  LANGUAGES,
  mustReadRule,
  tellChain,
  tellExplanation,
} from '../../../features/rules/index.ts';
import { SHOWN } from '../../access/sight.ts';
import { always, json, notFound, refused } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import {
  Chain,
  RuleExplanation,
  toChain,
  toRuleExplanation,
} from '../../http/resources/explanation.ts';
import { jobsFor, LONG_MS } from '../../http/rule-jobs.ts';
import { MOST_DAYS, SpanQuery, spanOf } from '../../http/span.ts';

const Language = z.object({
  language: z.enum(LANGUAGES).default('en').describe('Of the sentences.'),
});
const Span = SpanQuery.extend(Language.shape);

export function explainRoutes(app: App, { engine, work }: RouteContext): void {
  app.get(
    '/homes/:home/rules/:rule/explain',
    {
      handlerTimeout: LONG_MS,
      config: { action: SHOWN.authored },
      schema: {
        operationId: 'explainRule',
        tags: ['Explaining'],
        summary: 'Why a rule ran, or why it did not',
        description: `From the journal, by folding it again: each run with the values of its conditions, and of triggers that did not fire what came nearest. At most ${MOST_DAYS} days at once.`,
        params: RulePath,
        querystring: Span,
        response: { 200: json('Why.', RuleExplanation), ...notFound, ...refused, ...always },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const { timezone } = await mustReadHome(engine, params.home);
      await mustReadRule(engine, params);
      const span = spanOf(query, engine.clock.now());
      const { language } = query;
      const { home, rule } = params;
      const explanation = await jobsFor(work, request, reply)('explainRule', { home, rule, span });
      const sentence = tellExplanation(explanation, language, timezone);
      return toRuleExplanation(explanation, sentence, language, timezone);
    },
  );

  app.get(
    '/homes/:home/explain/:id',
    {
      handlerTimeout: LONG_MS,
      config: { action: SHOWN.intent },
      schema: {
        operationId: 'explainEffect',
        tags: ['Explaining'],
        summary: 'Why something was done',
        description:
          'From a command, an alert or any other effect back to the event that began it: each turn on the way, and of rules the values of their conditions.',
        params: OfHomePath,
        querystring: Language,
        response: {
          200: json('The chain of causes.', Chain),
          ...notFound,
          ...refused,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const { timezone } = await mustReadHome(engine, params.home);
      const links = await jobsFor(work, request, reply)('explainEffect', params);
      const sentence = tellChain(links, query.language, timezone);
      return toChain(params.id, links, sentence, query.language, timezone);
    },
  );
}
