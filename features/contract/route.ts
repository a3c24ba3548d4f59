/** A route of a feature, as data: the API makes an address of it, and a part of the OpenAPI document. */
import type { z } from 'zod';
import type { Requester } from '../../engine/index.ts';

/** What may be answered beside what every route may: see the problems of the OpenAPI document. */
export type RouteProblem = 'not-found' | 'conflict' | 'stale' | 'refused' | 'unproved' | 'full';

/** What somebody may see of what happened. Whoever may not is refused (403). */
export interface Visibility {
  /** @param twin null: those of the home */
  assertMayExplain(home: string, twin: string | null): Promise<void>;
  /** Refuses who may not see the turns of this twin, which may show what an author wrote. */
  assertSeesTurns(twin: { home: string; twin: string; kind: string }): Promise<void>;
  /** Kinds whose turns they do not see, of those of a home whose turns they see. */
  hiddenKinds(home: string): Promise<string[]>;
}

/** The account on whose behalf long work is done. */
export interface Asker {
  /** Long work is shared among accounts: a person, or a home with its keys. */
  account: string;
  /** Ends when whoever asked has gone, or has been answered otherwise. */
  signal: AbortSignal;
}

/** Who somebody without a token has turned out to be, for the audit. */
export interface Proved {
  who: string;
  /** Null: of no home. */
  home: string | null;
  /** Who has let them in. */
  by?: string;
}

export interface RouteRequest<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** Who asks, as the journal and the audit name them. */
  principal: string;
  /** The same for what is told to the engine, with `If-Match` and `Idempotency-Key` where the route takes them. */
  by: Requester;
  visibility: Visibility;
  readonly asker: Asker;
  /** The server as whoever asks can reach it: `https://homeostat.example.org`. */
  readonly server: string;
  /** The gateway that asks. Anybody else is refused (403). */
  gateway(): { id: string; home: string };
  /** On open routes. */
  proved(who: Proved): void;
}

interface Described {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path below `/v1`: `/homes/:home/activity`. */
  path: `/${string}`;
  /** An action of the table of permissions. */
  action: string;
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  problems: readonly RouteProblem[];
  /** No token is needed: what is sent proves who asks, or needs no proof. */
  isOpen?: true;
  /** Bytes of a body; default: as the server is set. */
  bodyLimit?: number;
  /** How long it may take; default: as the server is set. */
  longMs?: number;
  /** `If-Match` may name the revision that is to change. */
  ifMatch?: true;
  /** `Idempotency-Key` makes a repetition harmless. */
  idempotent?: true;
}

interface Described200<A> {
  description: string;
  schema: A;
  /** Its `revision` is its `ETag`, too. */
  tagged?: true;
}

/** What a request that puts something in its place has come to. */
export interface Placed<T> {
  /** Whether it was not there before. */
  made: boolean;
  body: T;
}

export interface FeatureRoute extends Described {
  params: z.ZodType | null;
  query: z.ZodType | null;
  body: z.ZodType | null;
  /** 200. Null: it answers without a body. */
  answer: Described200<z.ZodType> | null;
  /** 201, and where what has been made can be read, below `/v1`. Null: it makes nothing. */
  made: { description: string; path(params: never): string } | null;
  /** 201, always: `at` says where it can be read, below `/v1`; then its `revision` is its `ETag`. Null: see `made`. */
  created: { description: string; schema: z.ZodType; at: ((body: never) => string) | null } | null;
  /** 204. Null: it answers with a body. */
  done: string | null;
  handle(request: RouteRequest<unknown, unknown, unknown>): Promise<unknown>;
}

interface Takes<P, Q, B> {
  params?: P;
  query?: Q;
  body?: B;
}
type Request<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = RouteRequest<
  z.output<P>,
  z.output<Q>,
  z.output<B>
>;

const NOTHING = {
  ...{ params: null, query: null, body: null },
  ...{ answer: null, made: null, created: null, done: null },
};

/**
 * Answers with what it has found, made or done.
 * @param described `handle`: what it is given has been checked, and what it answers is checked by the same schema
 * @throws what `handle` throws: EngineError and FeatureError become problem documents
 */
export function route<
  A extends z.ZodType,
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  described: Described &
    Takes<P, Q, B> & {
      answer: Described200<A>;
      handle(request: Request<P, Q, B>): Promise<z.input<A>>;
    },
): FeatureRoute {
  return { ...NOTHING, ...described } as unknown as FeatureRoute;
}

/** Puts something in its place: 201 where it was not there before, else 200; with its `ETag`. @throws as {@link route} */
export function placingRoute<
  A extends z.ZodType,
  P extends z.ZodType,
  B extends z.ZodType = z.ZodUndefined,
>(
  described: Described &
    Takes<P, z.ZodUndefined, B> & {
      answer: Described200<A>;
      made: { description: string; path(params: z.output<P>): string };
      handle(request: Request<P, z.ZodUndefined, B>): Promise<Placed<z.input<A>>>;
    },
): FeatureRoute {
  const answer = { ...described.answer, tagged: true as const };
  return { ...NOTHING, ...described, answer } as unknown as FeatureRoute;
}

/** Makes something new each time: 201. @throws as {@link route} */
export function creatingRoute<
  A extends z.ZodType,
  P extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  described: Described &
    Takes<P, z.ZodUndefined, B> & {
      created: { description: string; schema: A; at?: (body: z.input<A>) => string };
      handle(request: Request<P, z.ZodUndefined, B>): Promise<z.input<A>>;
    },
): FeatureRoute {
  const created = { at: null, ...described.created };
  return { ...NOTHING, ...described, created } as unknown as FeatureRoute;
}

/** Answers without a body: 204. @throws as {@link route} */
export function silentRoute<
  P extends z.ZodType,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  described: Described &
    Takes<P, Q, B> & {
      done: string;
      handle(request: Request<P, Q, B>): Promise<void>;
    },
): FeatureRoute {
  return { ...NOTHING, ...described } as unknown as FeatureRoute;
}
