import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Engine } from '../../engine/index.ts';
import type { Identity } from '../../identity/index.ts';

/** A Fastify instance whose routes take their types from zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes work with. */
export interface RouteContext {
  engine: Engine;
  identity: Identity;
  /** Whether the configuration names the home, so that only the platform makes it. */
  isReserved: (home: string) => boolean;
  /** Days after which an API key ends that is made without an end; 0: when it is revoked. */
  apiKeyDays: number;
  /** The timezone of a home that is created without one. */
  defaultTimezone: string;
  /** The server as people and devices reach it; null: as the request did. */
  publicUrl: string | null;
  /** Names of the kinds that the operator has brought. */
  customKinds: ReadonlySet<string>;
}
