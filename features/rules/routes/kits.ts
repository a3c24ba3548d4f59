/** Twins, scenes, blueprints and rules that are installed in one step, and removed in one. */

import { z } from 'zod';
import { mustReadHome } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import { listOf, pageOfKind } from '../../contract/pages.ts';
import { HomePath, KitPath, PageQuery, QueryFlag } from '../../contract/parameters.ts';
import { type FeatureRoute, placingRoute, route, silentRoute } from '../../contract/route.ts';
import { Kit, KitListed, KitPart, toKit, toListedKit, toPart } from './kit-resource.ts';
import { RuleProblemValue, toProblem } from './rule-resource.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Kits'];
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

export function kitRoutes({ engine, kits, work }: RulesContext): FeatureRoute[] {
  const addressOf = ({ home, kit }: z.infer<typeof KitPath>) => ({ home, twin: kit });
  return [
    route({
      method: 'GET',
      path: '/homes/:home/kits',
      action: 'rules.read',
      operationId: 'listKits',
      tags,
      summary: 'List the kits of a home',
      description: 'By id, ascending.',
      params: HomePath,
      query: PageQuery,
      answer: { description: 'A page of kits.', schema: listOf(KitListed) },
      problems: ['not-found'],
      handle: ({ params: { home }, query }) =>
        pageOfKind(engine, { home, kind: 'kit' }, query, toListedKit),
    }),

    route({
      method: 'POST',
      path: '/homes/:home/kits/check',
      action: 'rules.read',
      operationId: 'checkKit',
      tags,
      summary: 'Check a kit without installing it',
      description:
        'All that is wrong with it in this home: kinds, ids that are taken, rooms, settings, rules.',
      params: HomePath,
      body: GivenKit,
      answer: { description: 'What is wrong with it.', schema: CheckedKit },
      problems: ['not-found', 'refused'],
      async handle({ params: { home }, body, asker }) {
        await mustReadHome(engine, home);
        const { kit, parts, problems } = await kits.check(work.for(asker), home, body);
        return {
          ok: problems.every(({ severity }) => severity === 'warning'),
          kit: kit?.kit ?? null,
          version: kit?.version ?? null,
          problems: problems.map(toProblem),
          parts: parts.map(toPart),
        };
      },
    }),

    route({
      method: 'GET',
      path: '/homes/:home/kits/:kit',
      action: 'rules.read',
      operationId: 'readKit',
      tags,
      summary: 'Read a kit',
      description: 'With each of its parts, and whether it is there.',
      params: KitPath,
      answer: { description: 'The kit.', schema: Kit, tagged: true },
      problems: ['not-found'],
      handle: async ({ params }) => toKit(await kits.read(params)),
    }),

    placingRoute({
      method: 'PUT',
      path: '/homes/:home/kits/:kit',
      action: 'kits.change',
      operationId: 'putKit',
      tags,
      summary: 'Install a kit, or another version of it',
      description:
        'Everything is checked first; what is wrong comes back in `errors` and nothing was made. What somebody has changed of the former version is kept. If it is interrupted it goes on at the next start.',
      params: KitPath,
      body: GivenKit,
      ifMatch: true,
      answer: { description: 'This version is installed.', schema: InstalledKit },
      made: {
        description: 'It is installed.',
        path: ({ home, kit }) => `/homes/${home}/kits/${kit}`,
      },
      problems: ['not-found', 'conflict', 'stale', 'refused'],
      longMs: LONG_MS,
      async handle({ params, body, by, asker }) {
        await mustReadHome(engine, params.home);
        const put = await kits.install(work.for(asker), addressOf(params), body, by);
        const { made } = put;
        return { made, body: { ...toKit(put), problems: put.problems.map(toProblem) } };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/kits/:kit',
      action: 'kits.change',
      operationId: 'deleteKit',
      tags,
      summary: 'Remove a kit with what it has brought',
      description:
        'Refused while rules of others use it. What was there before the kit stays. If it is interrupted it goes on at the next start.',
      params: KitPath,
      query: z.object({
        force: QueryFlag.describe('Removes it even where rules of others use it.'),
      }),
      ifMatch: true,
      done: 'It is gone, with its parts.',
      problems: ['not-found', 'conflict', 'stale'],
      longMs: LONG_MS,
      async handle({ params, query, by }) {
        await kits.read(params);
        await kits.remove(addressOf(params), { force: query.force === 'true' }, by);
      },
    }),
  ];
}
