/** Webhooks of rules, as others call them. */
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Json } from '../../engine/index.ts';
import { JsonValue } from '../../features/contract/json-value.ts';
import { HookPath } from '../../features/contract/parameters.ts';
import { Receipt, toReceipt } from '../../features/contract/receipt.ts';
import { callHook } from '../../features/rules/index.ts';
import { always, json, notFound, refused, withBody } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { readHookBodies } from '../http/hook-body.ts';
import { IdempotencyKey, requesterOf } from '../http/requester.ts';
import { Refusal } from '../problem.ts';

const MAX_BYTES = 64 * 1024;

export function hookRoutes(app: App, { engine }: RouteContext): void {
  void app.register(async (hooks) => {
    readHookBodies(hooks as App);
    (hooks as App).get(
      '/hooks/:home/:rule/:hook',
      {
        config: { action: 'hook.call' },
        onRequest: async (request) => assertOwn(request),
        schema: { hide: true, params: HookPath },
      },
      async () => {
        // A browser, a preview or a crawler that has found the address sets nothing off
        throw new Refusal('not-found', 'a webhook is called with POST', { status: 405 });
      },
    );
    (hooks as App).post(
      '/hooks/:home/:rule/:hook',
      {
        config: { action: 'hook.call' },
        bodyLimit: MAX_BYTES,
        // Before the body is read: a secret opens its own webhook only
        onRequest: async (request) => assertOwn(request),
        schema: {
          operationId: 'callHook',
          tags: ['Rules'],
          summary: 'Call a webhook of a rule',
          description:
            'With its own secret as `Authorization: Bearer`, as `X-Hook-Secret`, or, for what can set no header, as `?secret=`: addresses stand in logs of proxies, so that is the least safe way. Without the secret nobody learns whether there is such a rule. The body, at most 64 KiB of JSON, a form or text, is `trigger.body` of the rule. A rule that is disabled takes the call and does nothing.',
          params: HookPath,
          headers: IdempotencyKey,
          body: JsonValue.optional().describe('What has happened.'),
          response: {
            202: json('The rule has it, and what it did is stored.', Receipt),
            ...notFound,
            ...refused,
            ...withBody,
            ...always,
          },
        },
      },
      async ({ params, headers, body = null, principal }, reply) => {
        const { key, principal: who } = requesterOf(principal, headers);
        const call = { id: key ?? randomUUID(), dedupe: key !== undefined, principal: who };
        return reply.code(202).send(toReceipt(await callHook(engine, params, body as Json, call)));
      },
    );
  });
}

/** @throws Refusal `unauthorized`, in the words of the door */
function assertOwn(request: FastifyRequest): void {
  const { principal, params } = request;
  const { home, rule, hook } = params as { home: string; rule: string; hook: string };
  if (
    principal?.type === 'hook' &&
    principal.home === home &&
    principal.rule === rule &&
    principal.hook === hook
  ) {
    return;
  }
  request.refusedBecause = 'anonymous';
  throw unknownSecret();
}

function unknownSecret(): Refusal {
  return new Refusal('unauthorized', 'this needs a token that is valid', {
    hint: 'Send the secret of this webhook as "Authorization: Bearer <secret>".',
  });
}
