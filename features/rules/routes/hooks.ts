/** The secrets with which others call webhooks of rules. */

import { z } from 'zod';
import { iso, Moment } from '../../contract/moment.ts';
import { HookPath, RulePath } from '../../contract/parameters.ts';
import { creatingRoute, type FeatureRoute, route, silentRoute } from '../../contract/route.ts';
import { mustReadHook, webhooksOfRule } from '../home/hooks.ts';
import { mustReadRule } from '../home/rules.ts';
import type { RulesContext } from './rules-context.ts';

const tags = ['Rules'];

const Hook = z
  .object({
    hook: z.string(),
    url: z.string().describe('What others call, with POST.'),
    secretMadeAt: Moment.nullable().describe('Null: it has no secret, so nobody can call it.'),
  })
  .meta({ id: 'RuleHook', description: 'A webhook of a rule.' });
const MadeHook = z
  .object({
    hook: z.string(),
    url: z.string(),
    secret: z
      .string()
      .describe('Shown this once. Sent as `Authorization: Bearer`, or `X-Hook-Secret`.'),
  })
  .meta({ id: 'MadeRuleHook', description: 'A webhook that can be called from now on.' });

export function hookRoutes({ engine, access: { hooks } }: RulesContext): FeatureRoute[] {
  const urlOf = (server: string, { home, rule, hook }: z.infer<typeof HookPath>) =>
    `${server}/v1/hooks/${home}/${rule}/${hook}`;
  return [
    route({
      method: 'GET',
      path: '/homes/:home/rules/:rule/hooks',
      action: 'rules.read',
      operationId: 'listHooks',
      tags,
      summary: 'List the webhooks of a rule',
      description: 'Those that its triggers name.',
      params: RulePath,
      answer: { description: 'All of them.', schema: z.object({ items: z.array(Hook) }) },
      problems: ['not-found'],
      async handle({ params, server }) {
        const made = await hooks.list(params.home, params.rule);
        const items = webhooksOfRule((await mustReadRule(engine, params)).row).map((hook) => {
          const secret = made.find((one) => one.hook === hook);
          const secretMadeAt = secret ? iso(secret.createdAt) : null;
          return { hook, url: urlOf(server, { ...params, hook }), secretMadeAt };
        });
        return { items };
      },
    }),

    creatingRoute({
      method: 'POST',
      path: '/homes/:home/rules/:rule/hooks/:hook/secret',
      action: 'rules.change',
      operationId: 'makeHookSecret',
      tags,
      summary: 'Make the secret of a webhook',
      description: 'In place of the one before, which counts no more.',
      params: HookPath,
      created: {
        description: 'Where to call it, and the secret, which is not to be had again.',
        schema: MadeHook,
      },
      problems: ['not-found', 'conflict'],
      async handle({ params, principal, server }) {
        const { incarnation } = await mustReadHook(engine, params);
        const secret = await hooks.make({ ...params, incarnation }, principal);
        return { hook: params.hook, url: urlOf(server, params), secret };
      },
    }),

    silentRoute({
      method: 'DELETE',
      path: '/homes/:home/rules/:rule/hooks/:hook/secret',
      action: 'rules.change',
      operationId: 'revokeHookSecret',
      tags,
      summary: 'Revoke the secret of a webhook',
      params: HookPath,
      done: 'Nobody can call it.',
      problems: ['not-found'],
      async handle({ params }) {
        await mustReadRule(engine, params);
        await hooks.revoke(params);
      },
    }),
  ];
}
