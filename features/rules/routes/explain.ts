/** Why something was done, and why it was not. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { OfHomePath, RulePath } from '../../contract/parameters.ts';
import { type FeatureRoute, route } from '../../contract/route.ts';
import { MAX_DAYS, SpanQuery, spanOf } from '../../contract/span.ts';
import { tellChain, tellExplanation } from '../explain/words.ts';
import { mustReadRule } from '../home/rules.ts';
import { LANGUAGES } from '../language/languages.ts';
import { Chain, RuleExplanation, toChain, toRuleExplanation } from './explanation-resource.ts';
import { LONG_MS } from './long-ms.ts';
import type { RulesContext } from './rules-context.ts';

const Language = z.object({
  language: z.enum(LANGUAGES).default('en').describe('Of the sentences.'),
});
const Span = SpanQuery.extend(Language.shape);

export function explainRoutes({ engine, work }: RulesContext): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/homes/:home/rules/:rule/explain',
      action: 'rules.read',
      operationId: 'explainRule',
      tags: ['Explaining'],
      summary: 'Why a rule ran, or why it did not',
      description: `From the journal, by folding it again: each run with the values of its conditions, and of triggers that did not fire what came nearest. At most ${MAX_DAYS} days at once.`,
      params: RulePath,
      query: Span,
      answer: { description: 'Why.', schema: RuleExplanation },
      problems: ['not-found', 'refused'],
      longMs: LONG_MS,
      async handle({ params, query, asker }) {
        const { home, rule } = params;
        const { timezone } = await mustReadHome(engine, home);
        await mustReadRule(engine, params);
        const span = spanOf(query, engine.clock.now());
        const { language } = query;
        const explanation = await work.for(asker)('explainRule', { home, rule, span });
        const sentence = tellExplanation(explanation, language, timezone);
        return toRuleExplanation(explanation, sentence, language, timezone);
      },
    }),

    route({
      method: 'GET',
      path: '/homes/:home/explain/:id',
      action: 'home.explain',
      operationId: 'explainEffect',
      tags: ['Explaining'],
      summary: 'Why something was done',
      description:
        'From a command, an alert or any other effect back to the event that began it: each turn on the way, and of rules the values of their conditions.',
      params: OfHomePath,
      query: Language,
      answer: { description: 'The chain of causes.', schema: Chain },
      problems: ['not-found', 'refused'],
      longMs: LONG_MS,
      async handle({ params, query: { language }, asker }) {
        const { timezone } = await mustReadHome(engine, params.home);
        const links = await work.for(asker)('explainEffect', params);
        const sentence = tellChain(links, language, timezone);
        return toChain(params.id, links, sentence, language, timezone);
      },
    }),
  ];
}
