import { z } from 'zod';
import {
  assertHomeName,
  assertTimezone,
  EngineError,
  type HomeRow,
  mustReadHome,
} from '../../../engine/index.ts';
import { DisplayName, NewId, Timezone } from '../../../features/contract/naming.ts';
import { listOf } from '../../../features/contract/pages.ts';
import { HomePath, PageQuery } from '../../../features/contract/parameters.ts';
import { IdentityError, type Principal } from '../../../identity/index.ts';
import {
  always,
  conflict,
  empty,
  json,
  location,
  notFound,
  refused,
  withBody,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { IdempotencyKey, requesterOf } from '../../http/requester.ts';
import { Home, toHome } from '../../http/resources/home.ts';
import { Refusal } from '../../problem.ts';

/** Years of journals may go. */
const LONG_MS = 120_000;

const NewHome = z
  .strictObject({
    id: NewId,
    name: DisplayName.optional().describe('Default: the id.'),
    timezone: Timezone.optional(),
  })
  .meta({ id: 'NewHome', examples: [{ id: 'home', name: 'Home', timezone: 'Europe/Berlin' }] });

const HomeChange = z
  .strictObject({ name: DisplayName.optional(), timezone: Timezone.optional() })
  .refine((change) => Object.keys(change).length > 0, 'changes nothing')
  .meta({ id: 'HomeChange', minProperties: 1, examples: [{ timezone: 'Europe/Lisbon' }] });

export function homeRoutes(
  app: App,
  { engine, identity, defaultTimezone, isReserved }: RouteContext,
): void {
  app.get(
    '/homes',
    {
      config: { action: 'homes.list' },
      schema: {
        operationId: 'listHomes',
        tags: ['Homes'],
        summary: 'List the homes',
        description: 'Those that one belongs to; the platform sees all. By id, ascending.',
        querystring: PageQuery,
        response: { 200: json('A page of homes.', listOf(Home)), ...always },
      },
    },
    async ({ query, principal }) => {
      const own = await identity.homesOf(principal);
      if (own === null) {
        const { items, nextCursor } = await engine.storage.listHomes(query);
        return { items: items.map(toHome), nextCursor };
      }
      // Few: read one by one
      const { cursor = '', limit } = query;
      const rest = own.filter((home) => home > cursor);
      const page = rest.slice(0, limit);
      const found = await Promise.all(page.map((home) => engine.storage.getHome(home)));
      const items = found.filter((home) => home !== null).map(toHome);
      return { items, nextCursor: rest.length > limit ? (page.at(-1) ?? null) : null };
    },
  );

  app.post(
    '/homes',
    {
      config: { action: 'home.create' },
      schema: {
        operationId: 'createHome',
        tags: ['Homes'],
        summary: 'Create a home',
        description:
          'Whoever makes it owns it. With an `Idempotency-Key`, making the same home again answers 200 with what is there.',
        headers: IdempotencyKey,
        body: NewHome,
        response: {
          200: json('It was there already, just so.', Home),
          201: json('The new home.', Home, location),
          ...conflict,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ body, headers, principal }, reply) => {
      const wanted = {
        id: body.id,
        name: body.name ?? body.id,
        timezone: body.timezone ?? defaultTimezone,
      };
      assertTimezone(wanted.timezone);
      try {
        assertMayTake(wanted.id, principal);
        if (await engine.storage.getHome(wanted.id)) throw taken(wanted.id);
        const owner = principal?.type === 'person' ? principal.person : null;
        const made = await identity.homes.make(wanted.id, owner, () => engine.createHome(wanted));
        return reply.code(201).header('location', `/v1/homes/${made.id}`).send(toHome(made));
      } catch (error) {
        const known = await sameHome(error, wanted, principal);
        if (headers['idempotency-key'] === undefined || !known) throw error;
        return reply.code(200).send(toHome(known));
      }
    },
  );

  /** Homes that the configuration names are the platform's to make: devices that nobody claims speak for them. */
  function assertMayTake(home: string, principal: Principal | null): void {
    const isPlatform = principal?.type === 'person' && principal.isAdmin;
    if (principal?.type !== 'person' || isPlatform || !isReserved(home)) return;
    throw new Refusal('conflict', `the id ${home} is reserved on this server`, {
      hint: 'Choose another id. Whoever runs the server may make this home and hand it over.',
    });
  }

  /** The home that stood in the way, if it is the one that was wanted. */
  async function sameHome(
    error: unknown,
    wanted: Omit<HomeRow, 'createdAt' | 'incarnation'>,
    principal: Principal | null,
  ): Promise<HomeRow | null> {
    const isTaken = error instanceof EngineError || error instanceof IdentityError;
    if (!isTaken || error.code !== 'conflict') return null;
    const { may } = await identity.decide(principal, 'home.read', wanted.id);
    if (!may) return null;
    const known = await engine.storage.getHome(wanted.id);
    return known?.name === wanted.name && known.timezone === wanted.timezone ? known : null;
  }

  app.get(
    '/homes/:home',
    {
      config: { action: 'home.read' },
      schema: {
        operationId: 'readHome',
        tags: ['Homes'],
        summary: 'Read one home',
        params: HomePath,
        response: { 200: json('The home.', Home), ...notFound, ...always },
      },
    },
    async ({ params }) => toHome(await mustReadHome(engine, params.home)),
  );

  app.patch(
    '/homes/:home',
    {
      config: { action: 'home.change' },
      schema: {
        operationId: 'changeHome',
        tags: ['Homes'],
        summary: 'Change a home’s name or timezone',
        description: 'Every twin whose kind follows the home’s clock is told of a new timezone.',
        params: HomePath,
        body: HomeChange,
        response: {
          200: json('The home as it is now.', Home),
          ...notFound,
          ...refused,
          ...withBody,
          ...always,
        },
      },
    },
    async ({ params, body, headers, principal }) => {
      assertHomeName(params.home);
      const { name, timezone } = body;
      const change = {
        ...(name !== undefined && { name }),
        ...(timezone !== undefined && { timezone }),
      };
      return toHome(await engine.updateHome(params.home, change, requesterOf(principal, headers)));
    },
  );

  app.delete(
    '/homes/:home',
    {
      handlerTimeout: LONG_MS,
      config: { action: 'home.delete' },
      schema: {
        operationId: 'deleteHome',
        tags: ['Homes'],
        summary: 'Delete a home with all that belongs to it',
        description: 'Twins, journals, history, alerts, open commands. There is no way back.',
        params: HomePath,
        response: { 204: empty('It is gone.'), ...notFound, ...withBody, ...always },
      },
    },
    async ({ params }, reply) => {
      const { id: home } = await mustReadHome(engine, params.home);
      await identity.homes.remove(home, () => engine.deleteHome(home));
      return reply.code(204).send();
    },
  );
}

function taken(home: string): EngineError {
  return new EngineError('conflict', `there is a home ${home} already`);
}
