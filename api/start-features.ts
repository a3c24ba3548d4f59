/** Starts the features of a server, and hands their sinks to the engine. */
import type { Engine, EngineOptions } from '../engine/index.ts';
import type { Values, Variables } from '../features/contract/configuration.ts';
import type { Feature } from '../features/contract/feature.ts';
import type { FeatureRoute } from '../features/contract/route.ts';
import type { ReleaseStack } from './release-stack.ts';

export interface StartedFeature {
  name: string;
  routes: readonly FeatureRoute[];
}

/** @param configuration what the environment says, by the names of features */
export async function startFeatures(
  features: readonly Feature[],
  engine: Engine,
  configuration: Readonly<Record<string, Values<Variables>>>,
  stack: ReleaseStack,
): Promise<StartedFeature[]> {
  const started: StartedFeature[] = [];
  for (const feature of features) {
    const { name } = feature;
    const ports = { engine, configuration: configuration[name] ?? {} };
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
