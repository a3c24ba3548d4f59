/** Twins, scenes, blueprints and rules that are installed in one step, and removed in one. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { HomePath, KitPath, PageQuery } from '../../../features/contract/parameters.ts';
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
import { requesterOf } from '../../http/requester.ts';
import { Kit, KitListed, KitPart, toKit, toListedKit, toPart } from '../../http/resources/kit.ts';
import { RuleProblemValue, toProblem } from '../../http/resources/rule.ts';
import { etagOf, IfMatch, placed } from '../../http/revision.ts';
import { jobsFor } from '../../http/rule-jobs.ts';

const TAGS = ['Kits'];
/** A turn or two for each of its parts. */
const LONG_MS = 120_000;

const SOURCE = `kit: bathroom
version: "1.0"
inputs:
  window: { type: twin, path: reported.contact }
twins:
  bath-fan: { kind: relay, name: Fan }
rules:
  - rule: bath-airing
    triggers: [{ twin: !input window, path: reported.contact, to: false }]
    actions: [{ set: { twin: bath-fan, desired: { on: false } } }]
`;
const inputs = AnyObject.optional().describe('A value for each of its inputs.');
const GivenKit = z
  .union([
    z.strictObject({
      source: z.string().max(100_000).describe('The kit as YAML, or JSON, text.'),
      inputs,
    }),
    z.strictObject({
      definition: AnyObject.describe('The same as data; an input is `{"$input": "name"}`.'),
      inputs,
    }),
  ])
  .meta({ id: 'GivenKit', examples: [{ source: SOURCE, inputs: { window: 'bath-window' } }] });

const CheckedKit = z
  .object({
    ok: z.boolean().describe('Whether it could be installed.'),
    kit: z.string().nullable().describe('What it calls itself; null: it is no kit.'),
    version: z.string().nullable(),
    problems: z.array(RuleProblemValue),
    parts: z.array(KitPart).describe('What it would bring.'),
  })
  .meta({ id: 'CheckedKit' });
const InstalledKit = Kit.extend({ problems: z.array(RuleProblemValue).describe('Warnings.') }).meta(
  { id: 'InstalledKit', description: 'A kit that has just been installed.' },
);

const Flag = z.enum(['true', 'false']).default('false');

export function kitRoutes(app: App, { engine, kits, work }: RouteContext): void {
  app.get(
    '/homes/:home/kits',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'listKits',
        tags: TAGS,
        summary: 'List the kits of a home',
        description: 'By id, ascending.',
        params: HomePath,
        querystring: PageQuery,
        response: { 200: json('A page of kits.', listOf(KitListed)), ...notFound, ...always },
      },
    },
    ({ params, query }) =>
      pageOfKind(engine, { home: params.home, kind: 'kit' }, query, toListedKit),
  );

  app.post(
    '/homes/:home/kits/check',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'checkKit',
        tags: TAGS,
        summary: 'Check a kit without installing it',
        description:
          'All that is wrong with it in this home: kinds, ids that are taken, rooms, settings, rules.',
        params: HomePath,
        body: GivenKit,
        response: {
          200: json('What is wrong with it.', CheckedKit),
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
      const { kit, parts, problems } = await kits.check(
        jobsFor(work, request, reply),
        params.home,
        body,
      );
      return {
        ok: problems.every(({ severity }) => severity === 'warning'),
        kit: kit?.kit ?? null,
        version: kit?.version ?? null,
        problems: problems.map(toProblem),
        parts: parts.map(toPart),
      };
    },
  );

  app.get(
    '/homes/:home/kits/:kit',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'readKit',
        tags: TAGS,
        summary: 'Read a kit',
        description: 'With each of its parts, and whether it is there.',
        params: KitPath,
        response: { 200: json('The kit.', Kit, etag), ...notFound, ...always },
      },
    },
    async ({ params }, reply) => {
      const read = await kits.read(params);
      return reply.header('etag', etagOf(read.reading.row.revision)).send(toKit(read));
    },
  );

  app.put(
    '/homes/:home/kits/:kit',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'kits.change' },
      schema: {
        operationId: 'putKit',
        tags: TAGS,
        summary: 'Install a kit, or another version of it',
        description:
          'Everything is checked first; what is wrong comes back in `errors` and nothing was made. What somebody has changed of the former version is kept. If it is interrupted it goes on at the next start.',
        params: KitPath,
        headers: IfMatch,
        body: GivenKit,
        response: {
          200: json('This version is installed.', InstalledKit, etag),
          201: json('It is installed.', InstalledKit, { ...etag, ...location }),
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
      const address = { home: params.home, twin: params.kit };
      const by = requesterOf(principal, headers);
      const put = await kits.install(jobsFor(work, request, reply), address, body, by);
      return reply
        .code(placed(reply, `/v1/homes/${params.home}/kits/${params.kit}`, put))
        .send({ ...toKit(put), problems: put.problems.map(toProblem) });
    },
  );

  app.delete(
    '/homes/:home/kits/:kit',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'kits.change' },
      schema: {
        operationId: 'deleteKit',
        tags: TAGS,
        summary: 'Remove a kit with what it has brought',
        description:
          'Refused while rules of others use it. What was there before the kit stays. If it is interrupted it goes on at the next start.',
        params: KitPath,
        querystring: z.object({
          force: Flag.describe('Removes it even where rules of others use it.'),
        }),
        headers: IfMatch,
        response: {
          204: empty('It is gone, with its parts.'),
          ...notFound,
          ...conflict,
          ...stale,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, query, headers, principal }, reply) => {
      await kits.read(params);
      const address = { home: params.home, twin: params.kit };
      const by = requesterOf(principal, headers);
      await kits.remove(address, { force: query.force === 'true' }, by);
      return reply.code(204).send();
    },
  );
}
