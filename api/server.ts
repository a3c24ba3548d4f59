/** The HTTP side, put together. `buildServer` does not listen; tests inject. */

import websocket from '@fastify/websocket';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { Engine } from '../engine/index.ts';
import type { Identity } from '../identity/index.ts';
import { auditRequests, isReading } from './access/audit-requests.ts';
import { guardRoutes } from './access/gate.ts';
import { type EdgeOptions, isSecure } from './edge/edge.ts';
import { sendSafeHeaders } from './edge/headers.ts';
import { followRenewals, secureOptions } from './edge/https.ts';
import { Limits } from './edge/limits.ts';
import { admitOrigins } from './edge/origins.ts';
import { trustOf } from './edge/proxies.ts';
import type { App, RouteContext } from './http/app.ts';
import { answerClientError } from './http/client-error.ts';
import { endConnectionsOnClose } from './http/end-connections.ts';
import { featureRoutes } from './http/feature-routes.ts';
import { readJsonOnly } from './http/json-body.ts';
import { validatorCompiler } from './http/validator.ts';
import { LiveConnections } from './live/live-connections.ts';
import { collectMetrics } from './metrics.ts';
import { describeApi, showApi } from './openapi.ts';
import { pathOf, Refusal, sendProblem } from './problem.ts';
import { accountRoutes } from './routes/account/account.ts';
import { ownProviderRoutes } from './routes/account/own-providers.ts';
import { profileRoutes } from './routes/account/profile.ts';
import { providerRoutes } from './routes/account/providers.ts';
import { secondFactorRoutes } from './routes/account/second-factor.ts';
import { auditRoutes } from './routes/audit.ts';
import { candidateRoutes } from './routes/candidates.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { gatewayRoutes } from './routes/gateways.ts';
import { healthRoutes, type Readiness } from './routes/health.ts';
import { alertRoutes } from './routes/homes/alerts.ts';
import { historyQueryRoutes } from './routes/homes/history.ts';
import { homeRoutes } from './routes/homes/homes.ts';
import { intentRoutes } from './routes/homes/intents.ts';
import { invitationRoutes } from './routes/homes/invitations.ts';
import { homeJournalRoutes } from './routes/homes/journal.ts';
import { keyRoutes } from './routes/homes/keys.ts';
import { memberRoutes } from './routes/homes/members.ts';
import { streamRoutes } from './routes/homes/stream.ts';
import { bandRoutes } from './routes/homes/twin/bands.ts';
import { commandRoutes } from './routes/homes/twin/commands.ts';
import { desiredRoutes } from './routes/homes/twin/desired.ts';
import { eventRoutes } from './routes/homes/twin/events.ts';
import { historyRoutes } from './routes/homes/twin/history.ts';
import { journalRoutes } from './routes/homes/twin/journal.ts';
import { timerRoutes } from './routes/homes/twin/timers.ts';
import { twinRoutes } from './routes/homes/twins.ts';
import { usageRoutes } from './routes/homes/usage.ts';
import { hookRoutes } from './routes/hooks.ts';
import { kindRoutes } from './routes/kinds/kinds.ts';
import { liveRoutes } from './routes/live.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { peopleRoutes } from './routes/people.ts';
import { projectionRoutes } from './routes/projections.ts';
import type { StartedFeature } from './start-features.ts';

export interface ServerOptions {
  engine: Engine;
  /** What `countFrom` returned: it has counted since before the engine was made. */
  counts: Registry;
  identity: Identity;
  features: readonly StartedFeature[];
  /** Signs what the server itself gives out; nothing can be read from that. */
  secret: string;
  edge: EdgeOptions;
  version: string;
  /** Names of the kinds that the operator has brought. Default: none. */
  customKinds?: ReadonlySet<string>;
  logger: FastifyBaseLogger | false;
  /** Whether the adapters can do their work. */
  readiness: () => Readiness;
  /** Bytes of a request body. Default 1 MiB. */
  bodyLimit?: number;
  /** How long a request may wait for its commit, ms. Default 10 s. */
  patienceMs?: number;
  /** How long a request may take to arrive. Default 30 s; its head half of that. */
  arrivalMs?: number;
  /** Whether only the platform makes the home. Default: none. */
  isReserved?: (home: string) => boolean;
  /** Days after which an API key ends that is made without an end; 0: when it is revoked. Default 90. */
  apiKeyDays?: number;
  /** Timezone of a home that is created without one. Default UTC. */
  defaultTimezone?: string;
}

const API_KEY_DAYS = 90;
const MIB = 1024 * 1024;
const CLIENT_MESSAGE_BYTES = 64 * 1024;
/** An effect id of the longest names, each character percent-encoded. */
const LONGEST_ID = 900;
/** How long a request may take to arrive, head and body; some send a byte now and then to hold a connection. */
const ARRIVAL_MS = 30_000;
/** How often Node looks whose time is over, in parts of that time: its default of 30 s would double it. */
const LOOKS = 10;

export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { engine, identity, logger, version, edge } = options;
  const { certificate } = edge;
  const arrivalMs = options.arrivalMs ?? ARRIVAL_MS;
  const arrival = {
    requestTimeout: arrivalMs,
    headersTimeout: arrivalMs / 2,
    connectionsCheckingInterval: arrivalMs / LOOKS,
  };
  const app = fastify({
    ...(logger && { loggerInstance: logger }),
    ...(certificate
      ? { https: { ...secureOptions(certificate.current), ...arrival } }
      : { http: arrival }),
    trustProxy: trustOf(edge.trustedProxies),
    requestTimeout: arrival.requestTimeout,
    // Fastify would log whole URLs, and a URL may carry the token
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? MIB,
    handlerTimeout: options.patienceMs ?? 10_000,
    routerOptions: { maxParamLength: LONGEST_ID },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>() as unknown as App;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  readJsonOnly(app);
  endConnectionsOnClose(app);
  if (certificate) followRenewals(app, certificate);

  const connections = new LiveConnections();
  // Before the plugin’s own hook, which closes without saying why
  app.addHook('preClose', () => connections.endAll());
  await app.register(websocket, { options: { maxPayload: CLIENT_MESSAGE_BYTES } });

  await sendSafeHeaders(app, isSecure(edge));
  await admitOrigins(app, edge);
  const limits = await Limits.open(app, edge.limits, identity.permissions);
  guardRoutes(app as unknown as FastifyInstance, identity, limits, options.secret);
  auditRequests(app as unknown as FastifyInstance, identity);
  app.setNotFoundHandler((request) => {
    throw new Refusal('not-found', `there is no ${request.method} ${pathOf(request.url)}`, {
      hint: 'GET /openapi.json lists what there is.',
    });
  });
  refuseChangesWhileAway(app, engine);
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    const { statusCode: status, elapsedTime } = reply;
    request.log.debug({ method, path: pathOf(url), status, ms: elapsedTime }, 'answered');
  });
  const { isReserved = () => false, features } = options;
  const gauges = features.flatMap((feature) => feature.gauges);
  const metrics = collectMetrics(app, engine, gauges, options.counts);
  await describeApi(app, version, features);

  const defaultTimezone = options.defaultTimezone ?? 'UTC';
  const { customKinds = new Set() } = options;
  // Requests that wait would hold up the end
  app.addHook('preClose', async () => {
    for (const { name, closing } of features) {
      try {
        closing();
      } catch (error) {
        app.log.error({ err: error, feature: name }, 'a feature did not end its requests');
      }
    }
  });
  const context = {
    ...{ engine, identity, defaultTimezone, connections, customKinds, isReserved, features },
    publicUrl: edge.publicUrl,
    apiKeyDays: options.apiKeyDays ?? API_KEY_DAYS,
  };
  healthRoutes(app, { ...context, version, readiness: options.readiness });
  metricsRoutes(app, metrics);
  await app.register(async (v1) => routesOf(v1 as App, context), { prefix: '/v1' });
  await showApi(app);
  return app as unknown as FastifyInstance;
}

function routesOf(
  app: App,
  context: RouteContext & { connections: LiveConnections; features: readonly StartedFeature[] },
): void {
  accountRoutes(app, context);
  providerRoutes(app, context);
  profileRoutes(app, context);
  ownProviderRoutes(app, context);
  secondFactorRoutes(app, context);
  peopleRoutes(app, context);
  homeRoutes(app, context);
  memberRoutes(app, context);
  invitationRoutes(app, context);
  keyRoutes(app, context);
  hookRoutes(app, context);
  usageRoutes(app, context);
  auditRoutes(app, context);
  twinRoutes(app, context);
  eventRoutes(app, context);
  desiredRoutes(app, context);
  commandRoutes(app, context);
  journalRoutes(app, context);
  historyRoutes(app, context);
  bandRoutes(app, context);
  historyQueryRoutes(app, context);
  homeJournalRoutes(app, context);
  timerRoutes(app, context);
  intentRoutes(app, context);
  alertRoutes(app, context);
  streamRoutes(app, context);
  liveRoutes(app, context);
  candidateRoutes(app, context);
  gatewayRoutes(app, context);
  deadLetterRoutes(app, context);
  projectionRoutes(app, context);
  kindRoutes(app, context);
  featureRoutes(app, context, context.features);
}

/**
 * The engine holds on to what it is given until the store is back. A device’s broker waits for that;
 * a person does not, so a change is refused while commits fail.
 */
function refuseChangesWhileAway(app: App, engine: Engine): void {
  app.addHook('preHandler', async (request) => {
    if (isReading(request) || engine.health().ready) return;
    throw new Refusal('storage-unavailable', 'nothing can be stored at the moment', {
      hint: 'Try again later; GET /readyz tells when.',
    });
  });
}
