/** Rules with inputs, from which the rules of a home are made. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import { listOf, pageOfKind } from '../../contract/pages.ts';
import { BlueprintPath, HomePath, PageQuery, QueryFlag } from '../../contract/parameters.ts';
import { type FeatureRoute, placingRoute, route, silentRoute } from '../../contract/route.ts';
import { deleteBlueprint, mustReadBlueprint, putBlueprint } from '../home/blueprints.ts';
import {
  Blueprint,
  BlueprintListed,
  toBlueprint,
  toListedBlueprint,
} from './blueprint-resource.ts';
import { LONG_MS } from './long-ms.ts';
import { RuleProblemValue, toProblem } from './rule-resource.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Rules'];

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

export function blueprintRoutes({ engine, work }: RulesContext): FeatureRoute[] {
  const addressOf = ({ home, blueprint }: z.infer<typeof BlueprintPath>) => ({
    ...{ home, twin: blueprint },
  });
  return [
    route({
      method: 'GET',
      path: '/homes/:home/blueprints',
      action: 'rules.read',
      operationId: 'listBlueprints',
      tags,
      summary: 'List the blueprints of a home',
      description: 'By id, ascending.',
      params: HomePath,
      query: PageQuery,
      answer: { description: 'A page of blueprints.', schema: listOf(BlueprintListed) },
      problems: ['not-found'],
      handle: ({ params: { home }, query }) =>
        pageOfKind(engine, { home, kind: 'blueprint' }, query, toListedBlueprint),
    }),

    route({
      method: 'GET',
      path: '/homes/:home/blueprints/:blueprint',
      action: 'rules.read',
      operationId: 'readBlueprint',
      tags,
      summary: 'Read a blueprint',
      description: 'With its inputs as JSON Schema, and the rules that are made from it.',
      params: BlueprintPath,
      answer: { description: 'The blueprint.', schema: Blueprint, tagged: true },
      problems: ['not-found'],
      handle: async ({ params }) => toBlueprint(await mustReadBlueprint(engine, params)),
    }),

    placingRoute({
      method: 'PUT',
      path: '/homes/:home/blueprints/:blueprint',
      action: 'rules.change',
      operationId: 'putBlueprint',
      tags,
      summary: 'Define a blueprint',
      description:
        'The rules that are made from it are checked first: if one would break, nothing changes and `errors` names each with its problems. Otherwise they change with it. PUT the same again to finish what a crash has left behind.',
      params: BlueprintPath,
      body: GivenBlueprint,
      ifMatch: true,
      answer: { description: 'It has taken over.', schema: DefinedBlueprint },
      made: {
        description: 'It is there.',
        path: ({ home, blueprint }) => `/homes/${home}/blueprints/${blueprint}`,
      },
      problems: ['not-found', 'conflict', 'stale', 'refused'],
      longMs: LONG_MS,
      async handle({ params, body, by, asker }) {
        await mustReadHome(engine, params.home);
        const put = await putBlueprint(engine, work.for(asker), addressOf(params), body, by);
        const { made } = put;
        return { made, body: { ...toBlueprint(put), problems: put.problems.map(toProblem) } };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/blueprints/:blueprint',
      action: 'rules.change',
      operationId: 'deleteBlueprint',
      tags,
      summary: 'Delete a blueprint',
      description: 'Refused while rules are made from it, unless they are to be detached.',
      params: BlueprintPath,
      query: z.object({
        detach: QueryFlag.describe('Leaves the rules that are made from it as rules of their own.'),
      }),
      ifMatch: true,
      done: 'It is gone.',
      problems: ['not-found', 'conflict', 'stale'],
      longMs: LONG_MS,
      async handle({ params, query, by }) {
        await mustReadBlueprint(engine, params);
        const detach = query.detach === 'true';
        await deleteBlueprint(engine, addressOf(params), { detach }, by);
      },
    }),
  ];
}
