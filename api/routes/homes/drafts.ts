/** Drafts of rules on trial, on real traffic. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { RulePath } from '../../../features/contract/parameters.ts';
import {
  discardDraft,
  mustReadDraft,
  promoteDraft,
  putDraft,
  readDraft,
} from '../../../features/rules/index.ts';
import {
  always,
  conflict,
  empty,
  etag,
  json,
  location,
  notFound,
  refused,
  stale,
  withBody,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { requesterOf } from '../../http/requester.ts';
import { BacktestResult, toBacktest } from '../../http/resources/backtest.ts';
import { Rule, toProblem, toRule } from '../../http/resources/rule.ts';
import { IfMatch, placed } from '../../http/revision.ts';
import { jobsFor, LONG_MS } from '../../http/rule-jobs.ts';
import { GivenRule, LiveRule } from './rules.ts';

const TAGS = ['Rules'];

const Draft = z
  .object({
    rule: Rule,
    differences: BacktestResult.describe('What it would have done, beside what the rule did.'),
  })
  .meta({ id: 'Draft', description: 'A version of a rule that is on trial.' });

export function draftRoutes(app: App, { engine, work }: RouteContext): void {
  const addressOf = ({ home, rule }: { home: string; rule: string }) => ({ home, twin: rule });

  app.put(
    '/homes/:home/rules/:rule/draft',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'putDraft',
        tags: TAGS,
        summary: 'Put a draft of a rule on trial',
        description:
          'It sees what the rule sees, from now on, and decides; nothing comes of it. What it would have done stands in its own journal, and beside what the rule did here. A command that it waits for is taken to be confirmed.',
        params: RulePath,
        headers: IfMatch,
        body: GivenRule,
        response: {
          200: json('Another draft has taken over; its trial begins.', LiveRule, etag),
          201: json('Its trial begins.', LiveRule, { ...etag, ...location }),
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
      const by = requesterOf(principal, headers);
      const put = await putDraft(
        engine,
        jobsFor(work, request, reply),
        addressOf(params),
        body,
        by,
      );
      return reply
        .code(placed(reply, `/v1/homes/${params.home}/rules/${params.rule}/draft`, put))
        .send({ ...toRule(put.reading), problems: put.problems.map(toProblem) });
    },
  );

  app.get(
    '/homes/:home/rules/:rule/draft',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'rules.read' },
      schema: {
        operationId: 'readDraft',
        tags: TAGS,
        summary: 'What a draft would have done',
        description:
          'Since it is on trial, and what the rule did meanwhile; `more` and `fewer` are where they differ by more than five seconds.',
        params: RulePath,
        response: { 200: json('The draft.', Draft), ...notFound, ...refused, ...always },
      },
    },
    async (request, reply) => {
      const { params } = request;
      const rule = await mustReadDraft(engine, addressOf(params));
      const differences = await readDraft(engine, jobsFor(work, request, reply), addressOf(params));
      return { rule: toRule(rule), differences: toBacktest(differences) };
    },
  );

  app.post(
    '/homes/:home/rules/:rule/draft/promote',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'promoteDraft',
        tags: TAGS,
        summary: 'Make a draft live',
        description: 'It is checked again, as the home may have changed since. Its trial ends.',
        params: RulePath,
        response: {
          200: json('It has taken over.', LiveRule, etag),
          201: json('It is live.', LiveRule, { ...etag, ...location }),
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, principal } = request;
      const by = requesterOf(principal, {});
      const put = await promoteDraft(engine, jobsFor(work, request, reply), addressOf(params), by);
      return reply
        .code(placed(reply, `/v1/homes/${params.home}/rules/${params.rule}`, put))
        .send({ ...toRule(put.reading), problems: put.problems.map(toProblem) });
    },
  );

  app.delete(
    '/homes/:home/rules/:rule/draft',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'discardDraft',
        tags: TAGS,
        summary: 'Discard a draft',
        description: 'With its journal. The rule that is live does not notice.',
        params: RulePath,
        headers: IfMatch,
        response: { 204: empty('It is gone.'), ...notFound, ...stale, ...withBody, ...always },
      },
    },
    async ({ params, headers, principal }, reply) => {
      await discardDraft(engine, addressOf(params), requesterOf(principal, headers));
      return reply.code(204).send();
    },
  );
}
