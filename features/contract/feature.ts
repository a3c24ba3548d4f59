import type { AnyKind, Engine, EngineOptions, Projection, Sink } from '../../engine/index.ts';
import type { FeatureAction } from './action.ts';
import type { Configuration, Values, Variables } from './configuration.ts';
import type { FeatureRoute } from './route.ts';
import type { FeatureTables } from './tables.ts';

/** What a feature gets of the world outside. */
export interface FeaturePorts<V extends Variables = Variables> {
  engine: Engine;
  /** What the environment says of its variables, checked. */
  configuration: Values<V>;
  /**
   * The tables that its migration has made. Each of them refers to `home` or `twin` with `ON DELETE CASCADE`: what is of a home or of a
   * twin goes with it, and is not there for the next of that name.
   */
  tables<T>(): FeatureTables<T>;
}

/** A feature at work. It is disposed before the engine is. */
export interface FeatureInstance extends Partial<AsyncDisposable> {
  readonly routes?: readonly FeatureRoute[];
  /** They take the deliveries that {@link Feature.destinations} names them for. */
  readonly sinks?: readonly Sink[];
}

/** A capability built on twins: all that the composition root knows of it. `api/features.ts` lists them. */
export interface Feature<V extends Variables = Variables> {
  /** The name of its folder. */
  readonly name: string;
  readonly kinds?: readonly AnyKind[];
  /** Those of the kinds whose twins hold what an author wrote: their turns are seen by who may read rules. */
  readonly authored?: readonly AnyKind[];
  /** Tables that are computed from the journal. */
  readonly projections?: readonly Projection[];
  /** Actions of the table of permissions, by name: `barrels.empty`. */
  readonly actions?: Readonly<Record<string, FeatureAction>>;
  /** Variables of the environment. */
  readonly configuration?: Configuration<V>;
  /** Which of its sinks takes which deliveries. */
  readonly destinations?: EngineOptions['destinations'];
  start?(ports: FeaturePorts<V>): FeatureInstance | Promise<FeatureInstance>;
}

/** A feature, with the types of its variables where it starts. */
export function defineFeature<V extends Variables>(feature: Feature<V>): Feature {
  return feature as unknown as Feature;
}
