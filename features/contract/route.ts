/** A route of a feature, as data: the API makes an address of it, and a part of the OpenAPI document. */
import type { z } from 'zod';

/** What may be answered beside what every route may: see the problems of the OpenAPI document. */
export type RouteProblem = 'not-found' | 'conflict' | 'stale' | 'refused';

/** What somebody may see of what happened. Whoever may not is refused (403). */
export interface Sight {
  /** @param twin null: those of the home */
  assertMayExplain(home: string, twin: string | null): Promise<void>;
  /** For the turns of one twin, which may show what an author wrote. */
  assertSeesTurns(twin: { home: string; twin: string; kind: string }): Promise<void>;
  /** Kinds whose turns they do not see, of those of a home whose turns they see. */
  hiddenKinds(home: string): Promise<string[]>;
}

export interface RouteRequest<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** Who asks, as the journal and the audit name them. */
  principal: string;
  sight: Sight;
}

interface Described {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1`: `/homes/:home/activity`. */
  path: `/${string}`;
  /** Of the table of permissions. */
  action: string;
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  problems: readonly RouteProblem[];
}

export interface FeatureRoute extends Described {
  params: z.ZodType;
  query: z.ZodType | null;
  body: z.ZodType | null;
  /** 200 */
  answer: { description: string; schema: z.ZodType };
  handle(request: RouteRequest<unknown, unknown, unknown>): Promise<unknown>;
}

/**
 * @param described `handle`: what it is given has been checked, and what it answers is checked by the same schema
 * @throws what `handle` throws: EngineError and FeatureError become problem documents
 */
export function route<
  P extends z.ZodType,
  A extends z.ZodType,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  described: Described & {
    params: P;
    query?: Q;
    body?: B;
    answer: { description: string; schema: A };
    handle(request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>>): Promise<z.input<A>>;
  },
): FeatureRoute {
  return { query: null, body: null, ...described } as unknown as FeatureRoute;
}
