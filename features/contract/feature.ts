import type {
  AnyKind,
  Engine,
  EngineOptions,
  Projection,
  Sink,
  StartRow,
} from '../../engine/index.ts';
import type { Access, Admission } from './access.ts';
import type { FeatureAction } from './action.ts';
import type { Configuration, Values, Variables } from './configuration.ts';
import type { FeatureRoute } from './route.ts';
import type { FeatureTables } from './tables.ts';

/** What a feature gets before the engine has read a twin. */
export interface BeginPorts<V extends Variables = Variables> {
  configuration: Values<V>;
  /** Starts before this one, the latest first. */
  formerStarts: readonly StartRow[];
  /** Epoch ms. */
  now: number;
}

/** Twins of these kinds stay as they are until another start. */
export interface HeldBack {
  kinds: readonly string[];
  because: string;
}

/** Where devices find this server. */
export interface BrokerAddress {
  /** The broker as devices reach it. Null: it has not started yet. */
  url(): string | null;
  /** The first levels of the topics. */
  root: string;
}

/** The program of a thread with the kinds of this server. */
export interface ThreadProgram {
  file: URL;
  /** The folder of the operator’s kinds; null: none. */
  kindsDir: string | null;
}

export interface FeatureLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

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
  access: Access;
  /** What homes do with devices that they do not know, unless they say otherwise. */
  admission: Admission;
  broker: BrokerAddress;
  /** For work that must not keep homes from their turns. Null: there are no threads, as in tests. */
  thread: ThreadProgram | null;
  log: FeatureLog;
  /** An id that nothing else has. */
  newId(): string;
  /** Why {@link Feature.begin} holds its kinds back; null: it does not. */
  heldBack: string | null;
}

type Labelled = Readonly<Record<string, number>>;

interface DescribedGauge {
  /** Below `homeostat_`. */
  name: string;
  help: string;
}

/** A number of `/metrics`, asked for at each scrape; or one for each value of a label. One that fails is left out. */
export type FeatureGauge =
  | (DescribedGauge & { label: null; read(): number | Promise<number> })
  | (DescribedGauge & { label: string; read(): Labelled | Promise<Labelled> });

/** A feature at work. It is disposed before the engine is. */
export interface FeatureInstance extends Partial<AsyncDisposable> {
  readonly routes?: readonly FeatureRoute[];
  /** They take the deliveries that {@link Feature.destinations} names them for. */
  readonly sinks?: readonly Sink[];
  readonly gauges?: readonly FeatureGauge[];
  /** All doors are open. What it does goes on beside everything else, and leaves off when the server stops. */
  running?(stopping: AbortSignal): Promise<void>;
  /** Removes what is of no use any more; asked for several times a day. */
  tidy?(): Promise<void>;
  /** The server stops: ends requests that wait for something to happen. */
  closing?(): void;
}

/** A capability built on twins: all that the composition root knows of it. `api/features.ts` lists them. */
export interface Feature<V extends Variables = Variables> {
  /** The name of its folder. */
  readonly name: string;
  readonly kinds?: readonly AnyKind[];
  /** Those of the kinds whose twins hold texts of authors, as rules do: only who may read rules sees their turns. */
  readonly authored?: readonly AnyKind[];
  /** Tables that are computed from the journal. */
  readonly projections?: readonly Projection[];
  /** Actions of the table of permissions, by name: `barrels.empty`. */
  readonly actions?: Readonly<Record<string, FeatureAction>>;
  /** Variables of the environment. */
  readonly configuration?: Configuration<V>;
  /** Headings of the OpenAPI document beside those of `api/openapi.ts`, with what stands under them. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Which of its sinks takes which deliveries. */
  readonly destinations?: EngineOptions['destinations'];
  /** Before anything of the homes happens. */
  begin?(ports: BeginPorts<V>): HeldBack | null;
  start?(ports: FeaturePorts<V>): FeatureInstance | Promise<FeatureInstance>;
}

/** A feature, with the types of its variables where it starts. */
export function defineFeature<V extends Variables>(feature: Feature<V>): Feature {
  return feature as unknown as Feature;
}
