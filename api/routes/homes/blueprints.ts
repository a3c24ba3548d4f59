/** Rules with inputs, from which the rules of a home are made. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { BlueprintPath, HomePath, PageQuery } from '../../../features/contract/parameters.ts';
import { deleteBlueprint, mustReadBlueprint, putBlueprint } from '../../../features/rules/index.ts';
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
import {
  Blueprint,
  BlueprintListed,
  toBlueprint,
  toListedBlueprint,
} from '../../http/resources/blueprint.ts';
import { RuleProblemValue, toProblem } from '../../http/resources/rule.ts';
import { etagOf, IfMatch, placed } from '../../http/revision.ts';
import { jobsFor, LONG_MS } from '../../http/rule-jobs.ts';

const TAGS = ['Rules'];

const SOURCE = `blueprint: motion-light
inputs:
  motion: { type: twin, path: reported.occupancy }
  light: { type: twin, path: desired.on }
rule:
  triggers:
    - { twin: !input motion, path: reported.occupancy, to: true }
  actions:
    - set: { twin: !input light, desired: { on: true } }
`;
const GivenBlueprint = z
  .union([
    z.strictObject({
      source: z.string().max(100_000).describe('The blueprint as YAML, or JSON, text.'),
    }),
    z.strictObject({
      definition: AnyObject.describe('The same as data; an input is `{"$input": "name"}`.'),
    }),
  ])
  .meta({ id: 'GivenBlueprint', examples: [{ source: SOURCE }] });

const DefinedBlueprint = Blueprint.extend({
  problems: z.array(RuleProblemValue).describe('Warnings.'),
}).meta({ id: 'DefinedBlueprint', description: 'A blueprint that has just been defined.' });

const Flag = z.enum(['true', 'false']).default('false');

export function blueprintRoutes(app: App, { engine, work }: RouteContext): void {
  app.get(
    '/homes/:home/blueprints',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'listBlueprints',
        tags: TAGS,
        summary: 'List the blueprints of a home',
        description: 'By id, ascending.',
        params: HomePath,
        querystring: PageQuery,
        response: {
          200: json('A page of blueprints.', listOf(BlueprintListed)),
          ...notFound,
          ...always,
        },
      },
    },
    ({ params, query }) =>
      pageOfKind(engine, { home: params.home, kind: 'blueprint' }, query, toListedBlueprint),
  );

  app.get(
    '/homes/:home/blueprints/:blueprint',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'readBlueprint',
        tags: TAGS,
        summary: 'Read a blueprint',
        description: 'With its inputs as JSON Schema, and the rules that are made from it.',
        params: BlueprintPath,
        response: { 200: json('The blueprint.', Blueprint, etag), ...notFound, ...always },
      },
    },
    async ({ params }, reply) => {
      const read = await mustReadBlueprint(engine, params);
      return reply.header('etag', etagOf(read.reading.row.revision)).send(toBlueprint(read));
    },
  );

  app.put(
    '/homes/:home/blueprints/:blueprint',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'rules.change' },
      schema: {
        operationId: 'putBlueprint',
        tags: TAGS,
        summary: 'Define a blueprint',
        description:
          'The rules that are made from it are checked first: if one would break, nothing changes and `errors` names each with its problems. Otherwise they change with it. PUT the same again to finish what a crash has left behind.',
        params: BlueprintPath,
        headers: IfMatch,
        body: GivenBlueprint,
        response: {
          200: json('It has taken over.', DefinedBlueprint, etag),
          201: json('It is there.', DefinedBlueprint, { ...etag, ...location }),
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
      const address = { home: params.home, twin: params.blueprint };
      const by = requesterOf(principal, headers);
      const put = await putBlueprint(engine, jobsFor(work, request, reply), address, body, by);
      const path = `/v1/homes/${params.home}/blueprints/${params.blueprint}`;
      return reply
        .code(placed(reply, path, put))
        .send({ ...toBlueprint(put), problems: put.problems.map(toProblem) });
    },
  );

  app.delete(
    '/homes/:home/blueprints/:blueprint',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'rules.change' },
      schema: {
        operationId: 'deleteBlueprint',
        tags: TAGS,
        summary: 'Delete a blueprint',
        description: 'Refused while rules are made from it, unless they are to be detached.',
        params: BlueprintPath,
        querystring: z.object({
          detach: Flag.describe('Leaves the rules that are made from it as rules of their own.'),
        }),
        headers: IfMatch,
        response: {
          204: empty('It is gone.'),
          ...notFound,
          ...conflict,
          ...stale,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, query, headers, principal }, reply) => {
      await mustReadBlueprint(engine, params);
      const address = { home: params.home, twin: params.blueprint };
      const by = requesterOf(principal, headers);
      const detach = query.detach === 'true';
      await deleteBlueprint(engine, address, { detach }, by);
      return reply.code(204).send();
    },
  );
}
