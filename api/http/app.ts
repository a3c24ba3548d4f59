import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Engine } from '../../engine/index.ts';
import type { RuleWork } from '../../features/rules/index.ts';
import type { HomePolicy, Identity } from '../../identity/index.ts';
import type { PullQueue } from '../gateways/pull-queue.ts';

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
  /** Does the long work with rules. */
  work: RuleWork;
  /** The timezone of a home that is created without one. */
  defaultTimezone: string;
  devices: DeviceContext;
  /** Names of the kinds that the operator has brought. */
  customKinds: ReadonlySet<string>;
}

/** What devices and gateways meet. */
export interface DeviceContext {
  /** Where gateways without MQTT fetch what is for their devices. */
  pullQueue: PullQueue;
  /** The broker as devices reach it. Null: not yet. */
  brokerUrl: () => string | null;
  /** The first levels of the topics. */
  root: string;
  /** The server as devices reach it; null: as the request did. */
  publicUrl: string | null;
  /** What homes do with devices that they do not know, unless they say otherwise. */
  provisioning: HomePolicy;
}
