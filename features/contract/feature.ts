import type { AnyKind, Engine, Projection } from '../../engine/index.ts';
import type { FeatureRoute } from './route.ts';

/** What a feature gets of the world outside. */
export interface FeaturePorts {
  engine: Engine;
}

/** A capability built on twins: all that the composition root knows of it. `api/features.ts` lists them. */
export interface Feature {
  /** The name of its folder. */
  readonly name: string;
  readonly kinds?: readonly AnyKind[];
  /** Of these, those whose twins hold what an author wrote: their turns are seen by who may read rules. */
  readonly authored?: readonly AnyKind[];
  /** Tables that are computed from the journal. */
  readonly projections?: readonly Projection[];
  readonly routes?: (ports: FeaturePorts) => readonly FeatureRoute[];
}
