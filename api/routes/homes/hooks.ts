/** The secrets with which others call webhooks of rules. */

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { TwinRow } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';
import { HookPath, RulePath } from '../../../features/contract/parameters.ts';
import { mustReadRule, type RuleContext, webhooksOf } from '../../../features/rules/index.ts';
import { nameOf } from '../../../identity/index.ts';
import { always, conflict, empty, json, notFound, withBody } from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { Refusal } from '../../problem.ts';

const TAGS = ['Rules'];

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

export function ruleHookRoutes(app: App, { engine, identity, devices }: RouteContext): void {
  const { hooks } = identity;
  const urlOf = (request: FastifyRequest, { home, rule }: z.infer<typeof RulePath>, hook: string) =>
    `${devices.publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`}/v1/hooks/${home}/${rule}/${hook}`;

  app.get(
    '/homes/:home/rules/:rule/hooks',
    {
      config: { action: 'rules.read' },
      schema: {
        operationId: 'listHooks',
        tags: TAGS,
        summary: 'List the webhooks of a rule',
        description: 'Those that its triggers name.',
        params: RulePath,
        response: {
          200: json('All of them.', z.object({ items: z.array(Hook) })),
          ...notFound,
          ...always,
        },
      },
    },
    async (request) => {
      const { params } = request;
      const made = await hooks.list(params.home, params.rule);
      const items = namesIn((await mustReadRule(engine, params)).row).map((hook) => {
        const secret = made.find((one) => one.hook === hook);
        const secretMadeAt = secret ? iso(secret.createdAt) : null;
        return { hook, url: urlOf(request, params, hook), secretMadeAt };
      });
      return { items };
    },
  );

  app.post(
    '/homes/:home/rules/:rule/hooks/:hook/secret',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'makeHookSecret',
        tags: TAGS,
        summary: 'Make the secret of a webhook',
        description: 'In place of the one before, which counts no more.',
        params: HookPath,
        response: {
          201: json('Where to call it, and the secret, which is not to be had again.', MadeHook),
          ...notFound,
          ...conflict,
          ...withBody,
          ...always,
        },
      },
    },
    async (request, reply) => {
      const { params, principal } = request;
      const { rule, hook } = params;
      const { row } = await mustReadRule(engine, params);
      const names = namesIn(row);
      if (!names.includes(hook)) {
        throw new Refusal('not-found', `no trigger of "${rule}" is the webhook "${hook}"`, {
          hint: names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.',
        });
      }
      const life = { ...params, incarnation: row.incarnation };
      const secret = await hooks.make(life, nameOf(principal));
      return reply.code(201).send({ hook, url: urlOf(request, params, hook), secret });
    },
  );

  app.delete(
    '/homes/:home/rules/:rule/hooks/:hook/secret',
    {
      config: { action: 'rules.change' },
      schema: {
        operationId: 'revokeHookSecret',
        tags: TAGS,
        summary: 'Revoke the secret of a webhook',
        params: HookPath,
        response: { 204: empty('Nobody can call it.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ params }, reply) => {
      await mustReadRule(engine, params);
      await hooks.revoke(params);
      return reply.code(204).send();
    },
  );
}

function namesIn({ state }: TwinRow): readonly string[] {
  const { definition } = state.context as unknown as RuleContext;
  return definition ? webhooksOf(definition) : [];
}
