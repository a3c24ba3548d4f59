/** What a batch refuses, and whom it tells. */
import { type Envelope, keyOf } from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { Item } from './cascade.ts';
import { deadLetter } from './commit-builder.ts';
import { type Folding, type Led, NOTHING } from './folding.ts';
import type { Waiting } from './mail.ts';
import { JOURNAL_BYTES } from './quotas.ts';

/** Runs a turn; what it throws is refused. */
export function refusing(folding: Folding, { envelope, waiting }: Item, turn: () => Led): Led {
  try {
    return turn();
  } catch (thrown) {
    refuse(folding, envelope, waiting, thrown);
    return NOTHING;
  }
}

/** Answers who waits; a letter is kept where nobody is answered, or where the fault is not the sender's. */
export function refuse(
  folding: Folding,
  envelope: Envelope,
  waiting: Waiting[] | null,
  thrown: unknown,
): void {
  const error = asEngineError(thrown);
  const { commit, context, now } = folding;
  const isFlaw = error.code === 'machine-failed' || error.code === 'state-unreadable';
  if (error.quota) commit.signal('quota.refused', { quota: error.quota.quota });
  if (!envelope.kept && (!envelope.answered || isFlaw) && !isKnown(folding, envelope, error)) {
    commit.deadLetter(deadLetter(context.newId(), envelope, error, now));
  }
  commit.settle(envelope, waiting, {
    status: 'rejected',
    code: error.code,
    reason: error.message,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.quota && { quota: error.quota }),
  });
}

/**
 * Whether a dead letter of the day tells it already: a home that has written its share gets one a day for each twin,
 * since more would be a flood, too.
 */
function isKnown({ told, context, now }: Folding, envelope: Envelope, { quota }: EngineError) {
  if (quota?.quota !== JOURNAL_BYTES) return false;
  const twin = keyOf(envelope);
  if (told.has(twin) || context.journalDays.isTold(twin, now)) return true;
  told.add(twin);
  return false;
}

function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  return new EngineError('machine-failed', messageOf(thrown), {
    hint: 'A bug in the kind or the engine; the twin is as it was before.',
    cause: thrown,
  });
}
