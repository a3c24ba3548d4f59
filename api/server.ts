/** The HTTP side, put together. `buildServer` does not listen; tests inject. */
import websocket from '@fastify/websocket';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { Engine } from '../engine/index.ts';
import { authority, requireToken } from './auth.ts';
import type { App, RouteContext } from './http/app.ts';
import { answerClientError } from './http/client-error.ts';
import { endConnectionsOnClose } from './http/end-connections.ts';
import { readJsonOnly } from './http/json-body.ts';
import { LiveConnections } from './live/live-connections.ts';
import { collectMetrics } from './metrics.ts';
import { describeApi, showApi } from './openapi.ts';
import { pathOf, Refusal, sendProblem } from './problem.ts';
import { candidateRoutes } from './routes/candidates.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { healthRoutes, type Readiness } from './routes/health.ts';
import { alertRoutes } from './routes/homes/alerts.ts';
import { homeRoutes } from './routes/homes/homes.ts';
import { intentRoutes } from './routes/homes/intents.ts';
import { streamRoutes } from './routes/homes/stream.ts';
import { commandRoutes } from './routes/homes/twin/commands.ts';
import { desiredRoutes } from './routes/homes/twin/desired.ts';
import { eventRoutes } from './routes/homes/twin/events.ts';
import { historyRoutes } from './routes/homes/twin/history.ts';
import { journalRoutes } from './routes/homes/twin/journal.ts';
import { replayRoutes } from './routes/homes/twin/replay.ts';
import { timerRoutes } from './routes/homes/twin/timers.ts';
import { twinRoutes } from './routes/homes/twins.ts';
import { kindRoutes } from './routes/kinds/kinds.ts';
import { liveRoutes } from './routes/live.ts';
import { metricsRoutes } from './routes/metrics.ts';

export interface ServerOptions {
  engine: Engine;
  /** Of `countFrom`, which has counted since before the engine. */
  counts: Registry;
  /** The secret of the one principal, the administrator. */
  adminToken: string;
  version: string;
  logger: FastifyBaseLogger | false;
  /** Whether the adapters can do their work. */
  readiness: () => Readiness;
  /** Bytes of a request body. Default 1 MiB. */
  bodyLimit?: number;
  /** How long a request may wait for its commit, ms. Default 10 s. */
  patienceMs?: number;
  /** Timezone of a home that is created without one. Default UTC. */
  defaultTimezone?: string;
}

const MIB = 1024 * 1024;
const CLIENT_MESSAGE_BYTES = 64 * 1024;
/** An effect id of the longest names, each character percent-encoded. */
const LONGEST_ID = 900;

export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { engine, logger, version } = options;
  const app = fastify({
    ...(logger && { loggerInstance: logger }),
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

  const connections = new LiveConnections();
  // Before the plugin’s own hook, which closes without saying why
  app.addHook('preClose', async () => connections.endAll());
  await app.register(websocket, { options: { maxPayload: CLIENT_MESSAGE_BYTES } });

  const admits = authority(options.adminToken);
  requireToken(app, admits);
  app.setNotFoundHandler((request) => {
    throw new Refusal('not-found', `there is no ${request.method} ${pathOf(request.url)}`, {
      hint: 'GET /openapi.json lists what there is.',
    });
  });
  refuseChangesWhileAway(app, engine);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    const { statusCode: status, elapsedTime } = reply;
    request.log.debug({ method, path: pathOf(url), status, ms: elapsedTime }, 'answered');
  });
  const metrics = collectMetrics(app, engine, options.counts);
  await describeApi(app, version);

  const context = { engine, defaultTimezone: options.defaultTimezone ?? 'UTC', connections };
  healthRoutes(app, { ...context, version, readiness: options.readiness, admits });
  metricsRoutes(app, metrics);
  await app.register(async (v1) => routesOf(v1 as App, context), { prefix: '/v1' });
  await showApi(app);
  return app as unknown as FastifyInstance;
}

function routesOf(app: App, context: RouteContext & { connections: LiveConnections }): void {
  homeRoutes(app, context);
  twinRoutes(app, context);
  eventRoutes(app, context);
  desiredRoutes(app, context);
  commandRoutes(app, context);
  journalRoutes(app, context);
  historyRoutes(app, context);
  timerRoutes(app, context);
  replayRoutes(app, context);
  intentRoutes(app, context);
  alertRoutes(app, context);
  streamRoutes(app, context);
  liveRoutes(app, context);
  candidateRoutes(app, context);
  deadLetterRoutes(app, context);
  kindRoutes(app, context);
}

/**
 * The engine holds on to what it is given until the store is back. A device’s broker waits for that;
 * a person does not, so a change is refused while commits fail.
 */
function refuseChangesWhileAway(app: App, engine: Engine): void {
  app.addHook('preHandler', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD' || engine.health().ready) return;
    throw new Refusal('storage-unavailable', 'nothing can be stored at the moment', {
      hint: 'Try again later; GET /readyz tells when.',
    });
  });
}
