/** An envelope for a twin that exists. */
import { type Envelope, idHash, isExternal, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { assertMaySay } from '../model/vocabulary.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { hasSeen } from '../turn/seen.ts';
import { turn } from '../turn/turn.ts';
import type { TurnResult } from '../turn/turned.ts';
import { accept } from './accept.ts';
import type { Item } from './cascade.ts';
import { type Folding, type Led, NOTHING } from './folding.ts';

/** @param folded the turn, where it has been folded already @throws EngineError */
export function nextTurn(
  folding: Folding,
  twin: LiveTwin,
  item: Item,
  folded: Folded | null = null,
): Led {
  const { context, commit, workingSet, now } = folding;
  const { envelope, waiting } = item;
  const { type } = envelope.event;
  assertMaySay(twin.kindOf, envelope);
  if (type === 'twin.created') {
    if (!envelope.dedupe || !hasSeen(twin.state.seen, idHash(envelope.id))) {
      throw new EngineError('conflict', `${keyOf(twin)} exists already`, {
        hint: 'PATCH it, or choose another id.',
      });
    }
    const { revision } = twin;
    commit.settle(envelope, waiting, { status: 'duplicate', revision, effects: [] });
    return NOTHING;
  }
  assertActs(folding, twin, envelope);
  // A tell to a twin that does not care is no event of its life
  if (!isExternal(envelope) && isTold(envelope) && !Object.hasOwn(twin.kindOf.events, type)) {
    const reason = `a ${twin.kind} does not listen to "${type}"`;
    const { revision } = twin;
    commit.settle(envelope, waiting, { status: 'ignored', revision, effects: [], reason });
    return NOTHING;
  }
  const facts = envelope.facts ?? workingSet.factsFor(twin);
  const result =
    folded?.of === twin && facts === undefined
      ? folded.result
      : turn(twin, facts ? { ...envelope, facts } : envelope, now, context.destinations);
  assertMayWrite(folding, envelope, result);
  if (!('twin' in result)) {
    commit.settle(envelope, waiting, { revision: twin.revision, effects: [], ...result });
    return NOTHING;
  }
  if (envelope.folded) {
    const { samples } = envelope.folded;
    commit.signal('telemetry.folded', { twin: keyOf(twin), samples });
  }
  return accept(folding, twin, result, item);
}

/** A turn of a twin as it is now. */
export interface Folded {
  of: LiveTwin;
  result: TurnResult;
}

/** Folds an envelope without taking the turn into the batch. @throws EngineError `quota-exceeded`; what the turn throws */
export function fold(folding: Folding, twin: LiveTwin, envelope: Envelope): Folded {
  const { context, now } = folding;
  const result = turn(twin, envelope, now, context.destinations);
  assertMayWrite(folding, envelope, result);
  return { of: twin, result };
}

/** @throws EngineError `quota-exceeded` for what a home that has written its share cannot write */
function assertMayWrite(folding: Folding, envelope: Envelope, result: TurnResult): void {
  const { quotas, journalDays } = folding.context;
  const { home } = envelope;
  if (!('twin' in result) || !quotas.countsJournal(home)) return;
  const written = journalDays.usedBy(home, folding.now) + (folding.written.get(home) ?? 0);
  quotas.assertMayWrite(envelope, written, folding.now, result);
}

/** @throws EngineError `held-back` */
function assertActs({ context }: Folding, twin: LiveTwin, { event }: Envelope): void {
  if (!context.heldBack.has(twin.kind)) return;
  const { impulses = [] } = twin.kindOf;
  if (!impulses.includes(event.type) && event.type !== 'timer.fired') return;
  const message = `${keyOf(twin)} is held back: twins of its kind do not act`;
  throw new EngineError('held-back', message, {
    hint: 'The engine was started so; it is the operator who lets them go on.',
  });
}

function isTold({ event }: Envelope): boolean {
  return !/^(timer|intent|twin|alert|command|lease)\.|^ack$|^desired\.released$/.test(event.type);
}
