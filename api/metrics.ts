/** The engine’s signals and the server’s requests as Prometheus metrics. Units are in the names. */

import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine, EngineSignals, EngineTelemetry } from '../engine/index.ts';
import type { FeatureGauge } from '../features/contract/feature.ts';
import { IdentityError } from '../identity/index.ts';
import { within } from './http/within.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It stays open: how long it took says nothing. */
    stream?: boolean;
  }
}

/** What a scrape waits at most for the store. */
const STATS_MS = 2_000;

const FAST_SECONDS = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const SLOW_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3_600, 86_400];
const SIZES = [1, 5, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000];

export interface Metrics {
  readonly contentType: string;
  /** The present numbers in Prometheus’ text format. */
  scrape(): Promise<string>;
}

/**
 * Begins to count; before the engine is made, which works off what fell due while it was away at once.
 * A registry of its own, so that several servers live side by side.
 */
export function countFrom(telemetry: EngineTelemetry): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  countSignals(registry, telemetry);
  return registry;
}

/** @param registry of {@link countFrom} */
export function collectMetrics(
  app: FastifyInstance,
  engine: Engine,
  ofFeatures: readonly FeatureGauge[],
  registry: Registry,
): Metrics {
  timeRequests(registry, app);
  countLimited(registry, app);
  countQuotas(registry, app);
  const refresh = gauges(registry, engine);
  readFeatures(registry, ofFeatures, app.log);
  return {
    contentType: registry.contentType,
    async scrape() {
      await refresh();
      return registry.metrics();
    },
  };
}

type Handlers = { [N in keyof EngineSignals]?: (fields: EngineSignals[N]) => void };

function countSignals(registry: Registry, telemetry: EngineTelemetry): void {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name: `homeostat_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
    new Histogram({ name: `homeostat_${name}`, help, buckets, labelNames, registers });

  const events = counter(
    'events_total',
    'Events that reached their end, by outcome and by the door they came through.',
    'status',
    'source',
  );
  const turns = counter('turns_total', 'Events folded into a twin and stored.');
  const batches = counter('batches_total', 'Commits.');
  const batchSize = histogram('batch_envelopes', 'Events per commit.', SIZES);
  const fold = histogram(
    'fold_duration_seconds',
    'Time to fold a batch, in seconds.',
    FAST_SECONDS,
  );
  const commit = histogram(
    'commit_duration_seconds',
    'Time to store a batch, in seconds.',
    FAST_SECONDS,
  );
  const retries = counter('commit_retries_total', 'Commits that had to be tried again.');
  const folded = counter(
    'telemetry_folded_samples_total',
    'Samples beyond a device’s budget that share one journal row.',
  );
  const lateness = histogram(
    'timer_lateness_seconds',
    'How late timers fired, in seconds.',
    SLOW_SECONDS,
  );
  const skipped = counter('timers_skipped_total', 'Timers that were too late to fire.');
  const deliveries = counter(
    'deliveries_total',
    'Effects that came to an end in the outbox, by destination and outcome.',
    'destination',
    'outcome',
  );
  const delivery = histogram(
    'delivery_wait_seconds',
    'Time from commit to the end of a delivery, in seconds.',
    SLOW_SECONDS,
    'destination',
  );
  const postponed = counter(
    'deliveries_postponed_total',
    'Delivery attempts that failed and are tried again, by destination.',
    'destination',
  );
  const kept = counter('dead_letters_kept_total', 'Dead letters kept, by code.', 'code');
  const lost = counter('dead_letters_lost_total', 'Dead letters that could not be stored.', 'code');
  const created = counter('twins_created_total', 'Twins that came into being, by kind.', 'kind');
  const refused = counter('quota_refused_total', 'What a quota has refused, by quota.', 'quota');
  const projected = counter(
    'projection_turns_total',
    'Turns that a projection has applied, by projection; those of a rebuild too.',
    'projection',
  );
  const leftOut = counter(
    'projection_left_out_total',
    'Turns that a projection could not take and goes on without, by projection.',
    'projection',
  );
  const projectionFailures = counter(
    'projection_failures_total',
    'Times that a projection could not go on and had to try again, by projection.',
    'projection',
  );
  const failed = counter('background_failures_total', 'Background work that failed.');

  const handlers: Handlers = {
    'events.settled': ({ status, source, count }) => events.inc({ status, source }, count),
    'batch.committed': ({ envelopes, turns: folds, foldMs, commitMs }) => {
      batches.inc();
      turns.inc(folds);
      batchSize.observe(envelopes);
      fold.observe(foldMs / 1_000);
      commit.observe(commitMs / 1_000);
    },
    'commit.retried': () => retries.inc(),
    'telemetry.folded': ({ samples }) => folded.inc(samples),
    'timer.fired': ({ lateMs }) => lateness.observe(lateMs / 1_000),
    'timer.skipped': () => skipped.inc(),
    'delivery.settled': ({ destination, outcome, waitedMs }) => {
      deliveries.inc({ destination, outcome });
      delivery.observe({ destination }, waitedMs / 1_000);
    },
    'delivery.postponed': ({ destination }) => postponed.inc({ destination }),
    'dead-letter.kept': ({ code }) => kept.inc({ code }),
    'dead-letter.lost': ({ code }) => lost.inc({ code }),
    'twin.created': ({ kind }) => created.inc({ kind }),
    'quota.refused': ({ quota }) => refused.inc({ quota }),
    'projection.applied': ({ projection, turns: applied }) =>
      projected.inc({ projection }, applied),
    'projection.left-out': ({ projection }) => leftOut.inc({ projection }),
    'projection.failed': ({ projection }) => projectionFailures.inc({ projection }),
    'background.failed': () => failed.inc(),
  };
  telemetry.subscribe((name, fields) => handlers[name]?.(fields));
}

function timeRequests(registry: Registry, app: FastifyInstance): void {
  const requests = new Histogram({
    name: 'homeostat_http_request_duration_seconds',
    help: 'Time to answer a request, in seconds, by method, route and status; streams apart.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    const { url: route, config } = request.routeOptions;
    if (config.stream) return;
    // The template and not the path: ids would make a series each
    requests.observe(
      { method: request.method, route: route ?? 'none', status: reply.statusCode },
      reply.elapsedTime / 1_000,
    );
  });
}

function countLimited(registry: Registry, app: FastifyInstance): void {
  const limited = new Counter({
    name: 'homeostat_http_limited_total',
    help: 'Requests refused because there were too many, by limit: address, principal or home.',
    labelNames: ['limit'],
    registers: [registry],
  });
  app.addHook('onResponse', async ({ refusedByLimit: limit }) => {
    if (limit !== null) limited.inc({ limit });
  });
}

/** Those that identity refuses; the engine signals its own, which may concern nobody’s request. */
function countQuotas(registry: Registry, app: FastifyInstance): void {
  const refused = registry.getSingleMetric('homeostat_quota_refused_total');
  app.addHook('onError', async (_request, _reply, error: unknown) => {
    if (!(error instanceof IdentityError) || !error.quota) return;
    if (refused instanceof Counter) refused.inc({ quota: error.quota.quota });
  });
}

function readFeatures(
  registry: Registry,
  gaugesOf: readonly FeatureGauge[],
  log: Pick<FastifyInstance['log'], 'warn'>,
): void {
  for (const gauge of gaugesOf) {
    const { name, help, label } = gauge;
    new Gauge({
      ...{ name: `homeostat_${name}`, help, registers: [registry] },
      labelNames: label === null ? [] : [label],
      async collect() {
        const read = Promise.resolve().then(() => gauge.read());
        // One that fails, or hangs while the store is away, takes no other number with it
        const numbers = await within(STATS_MS, read).catch((error: unknown) => {
          log.warn({ err: error, gauge: name }, 'a number of the metrics could not be read');
          return {};
        });
        this.reset();
        if (typeof numbers === 'number') return this.set(numbers);
        if (label === null) return this.remove();
        for (const [value, one] of Object.entries(numbers)) this.set({ [label]: value }, one);
      },
    });
  }
}

/** @returns brings the gauges up to date */
function gauges(registry: Registry, engine: Engine): () => Promise<void> {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `homeostat_${name}`, help, labelNames, registers: [registry] });

  const ready = gauge('ready', 'Whether the engine owns its homes and can store: 1 or 0.');
  const storeUp = gauge('store_up', 'Whether the store answered this scrape: 1 or 0.');
  const mailbox = gauge('mailbox_depth', 'Events that wait for their turn, by shard.', 'shard');
  const hotTwins = gauge('hot_twins', 'Twins in memory.');
  const twins = gauge('twins', 'Twins registered, counted once a minute.');
  const timers = gauge('timers_waiting', 'Deadlines of the near future, in memory.');
  const inMemory = gauge(
    'outbox_memory_depth',
    'Deliveries in memory, by destination.',
    'destination',
  );
  const lag = gauge(
    'outbox_lag',
    'Positions of the log, of turns of all kinds, between a destination and its end, by destination.',
    'destination',
  );
  const behind = gauge(
    'projection_lag',
    'Positions of the log between what a projection answers with and its end, by projection.',
    'projection',
  );
  const behindSeconds = gauge(
    'projection_lag_seconds',
    'Age of the oldest turn that a projection has still to apply, in seconds, by projection.',
    'projection',
  );
  const depth = gauge(
    'outbox_depth',
    'Effects that are parked, or in memory and not yet delivered.',
  );
  const age = gauge(
    'outbox_oldest_age_seconds',
    'Age of the oldest effect not yet delivered, in seconds; 0 when there is none.',
  );
  const letters = gauge('dead_letters', 'Dead letters in the store.');
  const subscribers = gauge('live_subscribers', 'Open live subscriptions.');

  return async () => {
    ready.set(engine.health().ready ? 1 : 0);
    const memory = engine.stats();
    for (const [shard, waiting] of memory.mailbox.entries()) mailbox.set({ shard }, waiting);
    for (const [destination, waiting] of Object.entries(memory.outbox)) {
      inMemory.set({ destination }, waiting);
    }
    for (const [destination, turns] of Object.entries(memory.outboxLag)) {
      lag.set({ destination }, turns);
    }
    for (const [projection, { positions, seconds }] of Object.entries(memory.projectionLag)) {
      behind.set({ projection }, positions);
      behindSeconds.set({ projection }, seconds);
    }
    hotTwins.set(memory.hotTwins);
    timers.set(memory.waitingTimers);
    subscribers.set(memory.subscribers);
    // A scrape while the store is away still tells the rest
    const stored = await within(STATS_MS, engine.storeStats()).catch(() => null);
    storeUp.set(stored ? 1 : 0);
    if (!stored) return;
    const { undelivered } = stored;
    twins.set(stored.twins);
    depth.set(undelivered.depth);
    age.set(
      undelivered.oldestAt === null ? 0 : (engine.clock.now() - undelivered.oldestAt) / 1_000,
    );
    letters.set(stored.deadLetters);
  };
}
