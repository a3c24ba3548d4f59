/** Drafts of rules on trial, on real traffic. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { RulePath } from '../../contract/parameters.ts';
import { type FeatureRoute, placingRoute, route, silentRoute } from '../../contract/route.ts';
import { discardDraft, mustReadDraft, promoteDraft, putDraft, readDraft } from '../home/drafts.ts';
import { BacktestResult, toBacktest } from './backtest-resource.ts';
import { GivenRule, LiveRule, placedRule } from './given-rule.ts';
import { LONG_MS } from './long-ms.ts';
import { Rule, toRule } from './rule-resource.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Rules'];

const Draft = z
  .object({
    rule: Rule,
    differences: BacktestResult.describe('What it would have done, beside what the rule did.'),
  })
  .meta({ id: 'Draft', description: 'A version of a rule that is on trial.' });

export function draftRoutes({ engine, work }: RulesContext): FeatureRoute[] {
  const addressOf = ({ home, rule }: z.infer<typeof RulePath>) => ({ home, twin: rule });
  return [
    placingRoute({
      method: 'PUT',
      path: '/homes/:home/rules/:rule/draft',
      action: 'rules.change',
      operationId: 'putDraft',
      tags,
      summary: 'Put a draft of a rule on trial',
      description:
        'It sees what the rule sees, from now on, and decides; nothing comes of it. What it would have done stands in its own journal, and beside what the rule did here. A command that it waits for is taken to be confirmed.',
      params: RulePath,
      body: GivenRule,
      ifMatch: true,
      answer: {
        description: 'Another draft has taken over; its trial begins.',
        schema: LiveRule,
      },
      made: {
        description: 'Its trial begins.',
        path: ({ home, rule }) => `/homes/${home}/rules/${rule}/draft`,
      },
      problems: ['not-found', 'conflict', 'stale', 'refused'],
      async handle({ params, body, by, asker }) {
        await mustReadHome(engine, params.home);
        return placedRule(await putDraft(engine, work.for(asker), addressOf(params), body, by));
      },
    }),

    route({
      method: 'GET',
      path: '/homes/:home/rules/:rule/draft',
      action: 'rules.read',
      operationId: 'readDraft',
      tags,
      summary: 'What a draft would have done',
      description:
        'Since it is on trial, and what the rule did meanwhile; `more` and `fewer` are where they differ by more than five seconds.',
      params: RulePath,
      answer: { description: 'The draft.', schema: Draft },
      problems: ['not-found', 'refused'],
      longMs: LONG_MS,
      async handle({ params, asker }) {
        const rule = await mustReadDraft(engine, addressOf(params));
        const differences = await readDraft(engine, work.for(asker), addressOf(params));
        return { rule: toRule(rule), differences: toBacktest(differences) };
      },
    }),

    placingRoute({
      method: 'POST',
      path: '/homes/:home/rules/:rule/draft/promote',
      action: 'rules.change',
      operationId: 'promoteDraft',
      tags,
      summary: 'Make a draft live',
      description: 'It is checked again, as the home may have changed since. Its trial ends.',
      params: RulePath,
      answer: { description: 'It has taken over.', schema: LiveRule },
      made: {
        description: 'It is live.',
        path: ({ home, rule }) => `/homes/${home}/rules/${rule}`,
      },
      problems: ['not-found', 'conflict', 'refused'],
      handle: async ({ params, by, asker }) =>
        placedRule(await promoteDraft(engine, work.for(asker), addressOf(params), by)),
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/rules/:rule/draft',
      action: 'rules.change',
      operationId: 'discardDraft',
      tags,
      summary: 'Discard a draft',
      description: 'With its journal. The rule that is live does not notice.',
      params: RulePath,
      ifMatch: true,
      done: 'It is gone.',
      problems: ['not-found', 'stale'],
      handle: ({ params, by }) => discardDraft(engine, addressOf(params), by),
    }),
  ];
}
