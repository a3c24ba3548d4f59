/** Starts the features of a server, and hands their sinks to the engine. */
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
  Beginning,
  BeginPorts,
  Feature,
  FeatureGauge,
  FeatureInstance,
  FeaturePorts,
} from '../features/contract/feature.ts';
import type { FeatureRoute } from '../features/contract/route.ts';
import type { FeatureTables } from '../features/contract/tables.ts';
import type { ReleaseStack } from './release-stack.ts';

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

/** A start that has begun. */
export interface BegunFeatures {
  /** Kinds whose twins stay as they are. */
  holdBack: string[];
  /** Why, by the names of features. */
  because: ReadonlyMap<string, string>;
  /** The server ends as it should. */
  end(): Promise<void>;
}

/** Nothing has begun, so nothing is held back. */
export const NOT_BEGUN: BegunFeatures = {
  holdBack: [],
  because: new Map(),
  end: async () => {},
};

/** Before the engine reads a twin. */
export async function beginFeatures(
  features: readonly Feature[],
  {
    configuration,
    ...ports
  }: Omit<BeginPorts, 'configuration'> & { configuration: Configurations },
): Promise<BegunFeatures> {
  const all: Beginning[] = [];
  const because = new Map<string, string>();
  for (const { name, begin } of features) {
    const begun = await begin?.({ ...ports, configuration: configuration[name] ?? {} });
    if (!begun) continue;
    all.push(begun);
    if (begun.because !== null) because.set(name, begun.because);
  }
  return {
    holdBack: all.flatMap(({ holdBack }) => holdBack),
    because,
    end: async () => {
      for (const { end } of all) await end();
    },
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
  const gone = () =>
    new EngineError('unknown-twin', 'the home or the twin has been deleted meanwhile', {
      hint: 'Look whether it is there.',
    });
  let opened: ReturnType<typeof openTables> | null = null;
  stack.defer(async () => opened?.destroy());
  return <T>(): FeatureTables<T> => {
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
export function goOn(
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
    await Promise.all(running);
  });
}
