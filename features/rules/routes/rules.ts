/** Automations of a home. */

import { z } from 'zod';
import { mustReadHome, tellTwin } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import { MomentValue } from '../../contract/moment.ts';
import { listOf, pageOfKind } from '../../contract/pages.ts';
import { HomePath, PageQuery, RulePath } from '../../contract/parameters.ts';
import { Receipt, toReceipt } from '../../contract/receipt.ts';
import { type FeatureRoute, placingRoute, route, silentRoute } from '../../contract/route.ts';
import { MAX_DAYS, spanOf } from '../../contract/span.ts';
import { deleteRule, mustReadRule, putRule, tryRule } from '../home/rules.ts';
import { ruleSchema } from '../rule-definition.ts';
import { BacktestResult, toBacktest } from './backtest-resource.ts';
import { GivenRule, LiveRule, placedRule, SOURCE } from './given-rule.ts';
import { LONG_MS } from './long-ms.ts';
import { Rule, RuleProblemValue, toProblem, toRule } from './rule-resource.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Rules'];

const CheckedRule = z
  .object({
    ok: z.boolean().describe('Whether it could go live.'),
    problems: z.array(RuleProblemValue),
    definition: AnyObject.nullable().describe('What would run; null: it is no rule.'),
  })
  .meta({ id: 'CheckedRule' });

const RunRequest = z
  .strictObject({
    conditions: z.boolean().default(true).describe('Whether its conditions have to be true.'),
    data: AnyObject.optional().describe('What expressions read as `trigger.body`.'),
  })
  .meta({ id: 'RunRequest', examples: [{ conditions: false }] });

const BacktestRequest = z
  .strictObject({
    rule: GivenRule,
    from: MomentValue.optional().describe('Inclusive. Default: a day before `to`.'),
    to: MomentValue.optional().describe('Exclusive. Default: now.'),
  })
  .meta({ id: 'BacktestRequest', examples: [{ rule: { source: SOURCE }, from: '2026-01-01' }] });

export function ruleRoutes({ engine, work }: RulesContext): FeatureRoute[] {
  const addressOf = ({ home, rule }: z.infer<typeof RulePath>) => ({ home, twin: rule });
  return [
    route({
      method: 'GET',
      path: '/rules/schema',
      action: 'api.read',
      operationId: 'readRuleSchema',
      tags,
      summary: 'The JSON Schema of a rule',
      description:
        'For completion in editors: `# yaml-language-server: $schema=…` on top of a file.',
      answer: { description: 'JSON Schema, draft 2020-12.', schema: AnyObject },
      problems: [],
      handle: async () => ruleSchema() as z.input<typeof AnyObject>,
    }),

    route({
      method: 'GET',
      path: '/homes/:home/rules',
      action: 'rules.read',
      operationId: 'listRules',
      tags,
      summary: 'List the rules of a home',
      description: 'By id, ascending.',
      params: HomePath,
      query: PageQuery,
      answer: { description: 'A page of rules.', schema: listOf(Rule) },
      problems: ['not-found'],
      handle: ({ params: { home }, query }) =>
        pageOfKind(engine, { home, kind: 'rule' }, query, toRule),
    }),

    route({
      method: 'POST',
      path: '/homes/:home/rules/check',
      action: 'rules.read',
      operationId: 'checkRule',
      tags,
      summary: 'Check a rule without making it live',
      description:
        'Against the twins and the other rules of the home: names, types, what is never reached, rules that want different things of one twin, circles.',
      params: HomePath,
      body: GivenRule,
      answer: { description: 'What is wrong with it.', schema: CheckedRule },
      problems: ['not-found', 'refused'],
      async handle({ params: { home }, body: given, asker }) {
        await mustReadHome(engine, home);
        const { definition, problems } = await work.for(asker)('read', { home, given });
        return {
          ok: problems.every(({ severity }) => severity === 'warning'),
          problems: problems.map(toProblem),
          definition: definition as never,
        };
      },
    }),

    route({
      method: 'POST',
      path: '/homes/:home/rules/backtest',
      action: 'rules.read',
      operationId: 'backtestRule',
      tags,
      summary: 'Try a rule on what has happened',
      description: `What it would have done in a span of the journal, and what the version that is live would have: both are run anew, nothing is sent. Commands that it waits for are taken to be confirmed; what it does does not change the record. At most ${MAX_DAYS} days.`,
      params: HomePath,
      body: BacktestRequest,
      answer: { description: 'What it would have done.', schema: BacktestResult },
      problems: ['not-found', 'refused'],
      longMs: LONG_MS,
      async handle({ params: { home }, body, asker }) {
        const { timezone } = await mustReadHome(engine, home);
        const span = spanOf(body, engine.clock.now());
        const trial = { home, timezone, given: body.rule, span };
        return toBacktest(await tryRule(engine, work.for(asker), trial));
      },
    }),

    route({
      method: 'GET',
      path: '/homes/:home/rules/:rule',
      action: 'rules.read',
      operationId: 'readRule',
      tags,
      summary: 'Read a rule',
      params: RulePath,
      answer: { description: 'The rule.', schema: Rule, tagged: true },
      problems: ['not-found'],
      handle: async ({ params }) => toRule(await mustReadRule(engine, params)),
    }),

    placingRoute({
      method: 'PUT',
      path: '/homes/:home/rules/:rule',
      action: 'rules.change',
      operationId: 'putRule',
      tags,
      summary: 'Make a rule live',
      description:
        'It is checked first; what is wrong comes back in `errors` and nothing has changed. In place of an older definition its runs end, and nothing that they waited for comes.',
      params: RulePath,
      body: GivenRule,
      ifMatch: true,
      answer: { description: 'It has taken over.', schema: LiveRule },
      made: {
        description: 'It is live.',
        path: ({ home, rule }) => `/homes/${home}/rules/${rule}`,
      },
      problems: ['not-found', 'conflict', 'stale', 'refused'],
      async handle({ params, body, by, asker }) {
        await mustReadHome(engine, params.home);
        return placedRule(await putRule(engine, work.for(asker), addressOf(params), body, by));
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/rules/:rule',
      action: 'rules.change',
      operationId: 'deleteRule',
      tags,
      summary: 'Delete a rule',
      description:
        'With its journal: what it did cannot be explained any more. Disabling it keeps that.',
      params: RulePath,
      ifMatch: true,
      done: 'It is gone.',
      problems: ['not-found', 'stale'],
      async handle({ params, by }) {
        await mustReadRule(engine, params);
        await deleteRule(engine, addressOf(params), by);
      },
    }),

    route({
      method: 'POST',
      path: '/homes/:home/rules/:rule/run',
      action: 'rules.run',
      operationId: 'runRule',
      tags,
      summary: 'Run a rule by hand',
      params: RulePath,
      body: RunRequest,
      idempotent: true,
      answer: { description: 'What became of it.', schema: Receipt },
      problems: ['not-found', 'refused'],
      async handle({ params, body, by: { key, principal } }) {
        await mustReadRule(engine, params);
        const event = { ...body, type: 'run' };
        return toReceipt(await tellTwin(engine, addressOf(params), event, { principal }, key));
      },
    }),
  ];
}
