import type { AnyStateMachine, EmittedFrom, EventFromLogic } from 'xstate';
import type { CommandSpecs, Effect } from '../model/effect.ts';
import type { AnyKind, EventSchemas, EventsOf, Kind } from '../model/kind.ts';
import { checkKind } from './kind-check.ts';

export type OnlyEffects<M extends AnyStateMachine, C extends CommandSpecs> = [
  EmittedFrom<M>,
] extends [Effect<C>]
  ? M
  : never;
export type OnlyDeclaredEvents<M extends AnyStateMachine, S extends EventSchemas> = [
  EventFromLogic<M>,
] extends [EventsOf<S>]
  ? unknown
  : never;

/** What has been checked. */
const defined = new WeakSet<object>();

/**
 * Checks and returns a kind.
 * @throws EngineError `kind-invalid` for what cannot be a durable twin: `invoke` or `spawn`, custom
 * action functions, a misspelt event name in `on`, a context that is not JSON, a top-level final state;
 * and for what is no kind at all, as an author without types may write
 */
export function defineKind<
  const S extends EventSchemas,
  const C extends CommandSpecs,
  M extends AnyStateMachine,
>(kind: Kind<S, C, M> & { machine: OnlyEffects<M, C> } & OnlyDeclaredEvents<M, S>): Kind<S, C, M> {
  checkKind(kind);
  defined.add(kind);
  return kind;
}

/** Whether {@link defineKind} has made it; a copy of a kind is none, as nobody has checked it. */
export function isKind(value: unknown): value is AnyKind {
  return typeof value === 'object' && value !== null && defined.has(value);
}
