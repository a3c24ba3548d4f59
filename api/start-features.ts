/** Starts the features of a server, and hands their sinks to the engine. */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  atomically,
  type Engine,
  EngineError,
  type EngineOptions,
  openTables,
} from '../engine/index.ts';
import type { Values, Variables } from '../features/contract/configuration.ts';
import type {
  BeginPorts,
  Feature,
  FeatureGauge,
  FeatureInstance,
  FeaturePorts,
} from '../features/contract/feature.ts';
import type { FeatureRoute } from '../features/contract/route.ts';
import type { FeatureTables } from '../features/contract/tables.ts';
import type { ReleaseStack } from './release-stack.ts';

/** How long a stop waits for what features do after a start. */
const LEAVING_OFF_MS = 3_000;

/** What the server needs of a feature at work. */
export interface StartedFeature {
  name: string;
  tags: Readonly<Record<string, string>>;
  routes: readonly FeatureRoute[];
  gauges: readonly FeatureGauge[];
  running: NonNullable<FeatureInstance['running']>;
  tidy: NonNullable<FeatureInstance['tidy']>;
  closing: NonNullable<FeatureInstance['closing']>;
}

/** What the environment says, by the names of features. */
type Configurations = Readonly<Record<string, Values<Variables>>>;

interface Surroundings extends Omit<FeaturePorts, 'configuration' | 'tables' | 'heldBack'> {
  engine: Engine;
  /** The address of the engine's storage. */
  databaseUrl: string;
  configuration: Configurations;
  /** Of {@link beginFeatures}. */
  begun: BegunFeatures;
}

/** What is held back at a start. */
export interface BegunFeatures {
  kinds: readonly string[];
  /** Why, by the names of features. */
  because: ReadonlyMap<string, string>;
}

/** Nothing is. */
export const NOT_BEGUN: BegunFeatures = { kinds: [], because: new Map() };

/** Before the engine reads a twin. */
export function beginFeatures(
  features: readonly Feature[],
  {
    configuration,
    ...ports
  }: Omit<BeginPorts, 'configuration'> & { configuration: Configurations },
): BegunFeatures {
  const held = features.flatMap(({ name, begin }) => {
    const one = begin?.({ ...ports, configuration: configuration[name] ?? {} });
    return one ? [{ name, ...one }] : [];
  });
  return {
    kinds: held.flatMap(({ kinds }) => kinds),
    because: new Map(held.map(({ name, because }) => [name, because])),
  };
}

export async function startFeatures(
  features: readonly Feature[],
  { databaseUrl, configuration, begun, ...surroundings }: Surroundings,
  stack: ReleaseStack,
): Promise<StartedFeature[]> {
  const started: StartedFeature[] = [];
  const tables = tablesAt(databaseUrl, stack);
  const { engine } = surroundings;
  for (const feature of features) {
    const { name } = feature;
    const instance: FeatureInstance =
      (await feature.start?.({
        ...surroundings,
        ...{ configuration: configuration[name] ?? {}, tables },
        heldBack: begun.because.get(name) ?? null,
      })) ?? {};
    stack.defer(async () => instance[Symbol.asyncDispose]?.());
    for (const sink of instance.sinks ?? []) {
      const attached = engine.addSink(sink);
      stack.defer(async () => attached[Symbol.dispose]());
    }
    started.push({
      name,
      tags: feature.tags ?? {},
      routes: instance.routes ?? [],
      gauges: instance.gauges ?? [],
      running: async (stopping) => instance.running?.(stopping),
      tidy: async () => instance.tidy?.(),
      closing: () => instance.closing?.(),
    });
  }
  return started;
}

/**
 * All features share the connections, which are made when the first of them asks, and end after the last feature,
 * whenever that was.
 */
function tablesAt(url: string, stack: ReleaseStack) {
  const unavailable = (message: string) =>
    new EngineError('storage-unavailable', message, { hint: 'Try again later.' });
  const gone = (_message: string, cause: unknown) =>
    new EngineError('unknown-twin', 'the home or the twin has been deleted meanwhile', {
      ...{ hint: 'Look whether it is there.', cause },
    });
  let opened: ReturnType<typeof openTables> | null = null;
  let hasEnded = false;
  stack.defer(async () => {
    hasEnded = true;
    await opened?.destroy();
  });
  return <T>(): FeatureTables<T> => {
    if (hasEnded)
      throw new EngineError('stopping', 'the server has stopped', { hint: 'Start it.' });
    opened ??= openTables(url, { unavailable, gone });
    const database = opened as FeatureTables<T>['database'];
    return { database, atomically: (work) => atomically(database, work, unavailable) };
  };
}

/** Which sink takes which deliveries. @throws Error where two features want the same */
export function destinationsWith(
  features: readonly Feature[],
  own: EngineOptions['destinations'],
): EngineOptions['destinations'] {
  const all: Record<string, string> = { ...own };
  for (const { name, destinations = {} } of features) {
    for (const [type, sink] of Object.entries(destinations)) {
      if (all[type] !== undefined) {
        throw new Error(`the feature ${name} wants ${type}, which goes to ${all[type]} already`);
      }
      all[type] = sink;
    }
  }
  return all;
}

/** What features do once all doors are open goes on beside everything else. */
export function runFeatures(
  started: readonly StartedFeature[],
  logger: Logger,
  stack: ReleaseStack,
): void {
  const stopping = new AbortController();
  const running = started.map(({ name, running: run }) =>
    run(stopping.signal).catch((error: unknown) =>
      logger.error({ err: error, feature: name }, 'what a feature does after a start has failed'),
    ),
  );
  stack.defer(async () => {
    stopping.abort();
    // One that does not leave off must not keep the others from a clean end
    const late = setTimeout(LEAVING_OFF_MS, 'late', { ref: false });
    if ((await Promise.race([Promise.all(running), late])) === 'late') {
      logger.warn('what a feature does after a start did not leave off in time');
    }
  });
}
