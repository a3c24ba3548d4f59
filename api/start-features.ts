/** Starts the features of a server, and hands their sinks to the engine. */
import {
  atomically,
  type Engine,
  EngineError,
  type EngineOptions,
  openTables,
} from '../engine/index.ts';
import type { Values, Variables } from '../features/contract/configuration.ts';
import type { Feature } from '../features/contract/feature.ts';
import type { FeatureRoute } from '../features/contract/route.ts';
import type { FeatureTables } from '../features/contract/tables.ts';
import type { ReleaseStack } from './release-stack.ts';

export interface StartedFeature {
  name: string;
  routes: readonly FeatureRoute[];
}

interface Surroundings {
  engine: Engine;
  /** The address of the engine's storage. */
  databaseUrl: string;
  /** What the environment says, by the names of features. */
  configuration: Readonly<Record<string, Values<Variables>>>;
}

export async function startFeatures(
  features: readonly Feature[],
  { engine, databaseUrl, configuration }: Surroundings,
  stack: ReleaseStack,
): Promise<StartedFeature[]> {
  const started: StartedFeature[] = [];
  const tables = tablesAt(databaseUrl, stack);
  for (const feature of features) {
    const { name } = feature;
    const ports = { engine, configuration: configuration[name] ?? {}, tables };
    const instance = (await feature.start?.(ports)) ?? {};
    stack.defer(async () => instance[Symbol.asyncDispose]?.());
    for (const sink of instance.sinks ?? []) {
      const attached = engine.addSink(sink);
      stack.defer(async () => attached[Symbol.dispose]());
    }
    started.push({ name, routes: instance.routes ?? [] });
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
  let opened: ReturnType<typeof openTables> | null = null;
  stack.defer(async () => opened?.destroy());
  return <T>(): FeatureTables<T> => {
    opened ??= openTables(url, unavailable);
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
