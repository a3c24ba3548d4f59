/** Automations of a home. */

import { z } from 'zod';
import { mustReadHome, tellTwin } from '../../../engine/index.ts';
import { MomentValue } from '../../../features/contract/moment.ts';
import { HomePath, PageQuery, RulePath } from '../../../features/contract/parameters.ts';
import {
  deleteRule,
  mustReadRule,
  putRule,
  ruleSchema,
  tryRule,
} from '../../../features/rules/index.ts';
import {
  always,
  conflict,
  empty,
  etag,
  json,
  listOf,
  location,
  notFound,
  refused,
  stale,
  withBody,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { AnyObject } from '../../http/json-value.ts';
import { pageOfKind } from '../../http/readings.ts';
import { IdempotencyKey, requesterOf } from '../../http/requester.ts';
import { BacktestResult, toBacktest } from '../../http/resources/backtest.ts';
import { Receipt, toReceipt } from '../../http/resources/receipt.ts';
import { Rule, RuleProblemValue, toProblem, toRule } from '../../http/resources/rule.ts';
import { etagOf, IfMatch, placed } from '../../http/revision.ts';
import { jobsFor, LONG_MS } from '../../http/rule-jobs.ts';
import { MOST_DAYS, spanOf } from '../../http/span.ts';

const TAGS = ['Rules'];

const SOURCE = `rule: hall-light
triggers:
  - { twin: hall-motion, path: reported.occupancy, to: true }
actions:
  - set: { twin: lamp, desired: { on: true } }
`;
export const GivenRule = z
  .union([
    z.strictObject({
      source: z.string().max(100_000).describe('The rule as YAML, or JSON, text.'),
    }),
    z.strictObject({
      definition: AnyObject.describe('The same as data: see GET /v1/rules/schema.'),
    }),
    z.strictObject({
      blueprint: z.string().max(64).describe('The id of a blueprint of the home.'),
      inputs: AnyObject.optional().describe('A value for each of its inputs.'),
      rule: z.string().max(64).optional().describe('The id of the rule. Default: as addressed.'),
      name: z.string().max(200).optional(),
    }),
  ])
  .meta({ id: 'GivenRule', examples: [{ source: SOURCE }] });

const CheckedRule = z
  .object({
    ok: z.boolean().describe('Whether it could go live.'),
    problems: z.array(RuleProblemValue),
    definition: AnyObject.nullable().describe('What would run; null: it is no rule.'),
  })
  .meta({ id: 'CheckedRule' });
export const LiveRule = Rule.extend({
  problems: z.array(RuleProblemValue).describe('Warnings.'),
}).meta({
  id: 'LiveRule',
  description: 'A rule that has just been made live.',
});

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

export function ruleRoutes(app: App, { engine, work }: RouteContext): void {
  app.get(
    '/rules/schema',
    {
      config: { action: 'api.read' },
      schema: {
        operationId: 'readRuleSchema',
        tags: TAGS,
        summary: 'The JSON Schema of a rule',
        description:
          'For completion in editors: `# yaml-language-server: $schema=…` on top of a file.',
        response: { 200: json('JSON Schema, draft 2020-12.', AnyObject), ...always },
      },
    },
    async () => ruleSchema() as z.input<typeof AnyObject>,
  );

  app.get(
    '/homes/:home/rules',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'listRules',
        tags: TAGS,
        summary: 'List the rules of a home',
        description: 'By id, ascending.',
        params: HomePath,
        querystring: PageQuery,
        response: { 200: json('A page of rules.', listOf(Rule)), ...notFound, ...always },
      },
    },
    ({ params, query }) => pageOfKind(engine, { home: params.home, kind: 'rule' }, query, toRule),
  );

  app.post(
    '/homes/:home/rules/check',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'checkRule',
        tags: TAGS,
        summary: 'Check a rule without making it live',
        description:
          'Against the twins and the other rules of the home: names, types, what is never reached, rules that want different things of one twin, circles.',
        params: HomePath,
        body: GivenRule,
        response: {
          200: json('What is wrong with it.', CheckedRule),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      await mustReadHome(engine, params.home);
      const runJob = jobsFor(work, request, reply);
      const { definition, problems } = await runJob('read', { home: params.home, given: body });
      return {
        ok: problems.every(({ severity }) => severity === 'warning'),
        problems: problems.map(toProblem),
        definition: definition as never,
      };
    },
  );

  app.post(
    '/homes/:home/rules/backtest',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'rules.read' },
      schema: {
        operationId: 'backtestRule',
        tags: TAGS,
        summary: 'Try a rule on what has happened',
        description: `What it would have done in a span of the journal, and what the version that is live would have: both are run anew, nothing is sent. Commands that it waits for are taken to be confirmed; what it does does not change the record. At most ${MOST_DAYS} days.`,
        params: HomePath,
        body: BacktestRequest,
        response: {
          200: json('What it would have done.', BacktestResult),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const { timezone } = await mustReadHome(engine, params.home);
      const span = spanOf(body, engine.clock.now());
      const trial = { home: params.home, timezone, given: body.rule, span };
      return toBacktest(await tryRule(engine, jobsFor(work, request, reply), trial));
    },
  );

  app.get(
    '/homes/:home/rules/:rule',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'readRule',
        tags: TAGS,
        summary: 'Read a rule',
        params: RulePath,
        response: { 200: json('The rule.', Rule, etag), ...notFound, ...always },
      },
    },
    async ({ params }, reply) => {
      const reading = await mustReadRule(engine, params);
      return reply.header('etag', etagOf(reading.row.revision)).send(toRule(reading));
    },
  );

  app.put(
    '/homes/:home/rules/:rule',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'putRule',
        tags: TAGS,
        summary: 'Make a rule live',
        description:
          'It is checked first; what is wrong comes back in `errors` and nothing has changed. In place of an older definition its runs end, and nothing that they waited for comes.',
        params: RulePath,
        headers: IfMatch,
        body: GivenRule,
        response: {
          200: json('It has taken over.', LiveRule, etag),
          201: json('It is live.', LiveRule, { ...etag, ...location }),
          ...notFound,
          ...conflict,
          ...stale,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, headers, body, principal } = request;
      await mustReadHome(engine, params.home);
      const address = { home: params.home, twin: params.rule };
      const by = requesterOf(principal, headers);
      const put = await putRule(engine, jobsFor(work, request, reply), address, body, by);
      return reply
        .code(placed(reply, `/v1/homes/${params.home}/rules/${params.rule}`, put))
        .send({ ...toRule(put.reading), problems: put.problems.map(toProblem) });
    },
  );

  app.delete(
    '/homes/:home/rules/:rule',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'deleteRule',
        tags: TAGS,
        summary: 'Delete a rule',
        description:
          'With its journal: what it did cannot be explained any more. Disabling it keeps that.',
        params: RulePath,
        headers: IfMatch,
        response: { 204: empty('It is gone.'), ...notFound, ...stale, ...withBody, ...always },
      },
    },
    async ({ params, headers, principal }, reply) => {
      await mustReadRule(engine, params);
      const address = { home: params.home, twin: params.rule };
      const by = requesterOf(principal, headers);
      await deleteRule(engine, address, by);
      return reply.code(204).send();
    },
  );

  app.post(
    '/homes/:home/rules/:rule/run',
    {
      config: { action: 'rules.run' },
      schema: {
        operationId: 'runRule',
        tags: TAGS,
        summary: 'Run a rule by hand',
        params: RulePath,
        headers: IdempotencyKey,
        body: RunRequest,
        response: {
          200: json('What became of it.', Receipt),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, headers, body, principal }) => {
      await mustReadRule(engine, params);
      const { key, principal: who } = requesterOf(principal, headers);
      const address = { home: params.home, twin: params.rule };
      const event = { ...body, type: 'run' };
      return toReceipt(await tellTwin(engine, address, event, { principal: who }, key));
    },
  );
}
