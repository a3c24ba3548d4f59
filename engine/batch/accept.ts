/** A turn that has happened becomes part of its batch. */
import { keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { sameJson } from '../model/json.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { stateFlaw } from '../turn/state-size.ts';
import type { Turned } from '../turn/turned.ts';
import { following, type Item } from './cascade.ts';
import type { Folding, Led } from './folding.ts';
import { bytesOf } from './journal-days.ts';
import { observe } from './observe.ts';
import { WATCHES, watchTargets } from './observers.ts';

/**
 * @param before null: the twin has come into being by it
 * @throws EngineError `state-too-large`: the turn is undone
 */
export function accept(folding: Folding, before: LiveTwin | null, turned: Turned, item: Item): Led {
  const { context, workingSet, commit, now } = folding;
  const { envelope, waiting } = item;
  const { twin, journal } = turned;
  const flaw = stateFlaw(before?.state ?? null, twin.state, context.stateBytes);
  if (flaw !== null) {
    throw new EngineError('state-too-large', `${keyOf(twin)}: ${flaw}`, {
      hint: 'The turn is undone. Let the twin remember less: shorten lists and texts in its variables or settings.',
    });
  }
  workingSet.turned(twin);
  if (before === null) workingSet.born(twin);
  commit.turn(turned);
  if (context.quotas.countsJournal(twin.home)) {
    folding.written.set(twin.home, (folding.written.get(twin.home) ?? 0) + bytesOf(journal));
  }
  // Replay cannot fold what an older version of the kind did: it begins where the new one took over
  if (before?.migratedFrom !== undefined) commit.checkpoint(before, now);
  if (twin.revision % context.checkpointEvery === 0) commit.checkpoint(twin, now);
  if (twin.room !== (before?.room ?? null)) relate(folding, before?.room ?? null, twin);
  if (turned.timer) {
    const { id, lateMs, fired } = turned.timer;
    const fields = { twin: keyOf(twin), timer: id, lateMs };
    commit.signal(fired ? 'timer.fired' : 'timer.skipped', fields);
  }
  commit.settle(envelope, waiting, receiptOf(turned));
  if (twin.kindOf.watches) rewatch(folding, twin);
  const told = turned.followUps.map((followUp) =>
    following(item, folding.carry(envelope, followUp)),
  );
  const watchers = turned.status === 'late' ? [] : workingSet.watchersOf(twin);
  if (watchers.length === 0) return { observe: null, told };
  const seen = { before, turned, watchers };
  return { observe: (next) => observe(folding, seen, item, next), told };
}

function receiptOf({ status, twin: { revision }, journal, overruled }: Turned) {
  const effects = journal.effects.map(({ id }) => id);
  if (status === 'late') {
    const reason = 'older than the last event of its type: kept in the journal, not folded';
    return { status: 'ignored' as const, revision, effects, reason };
  }
  return {
    status: 'accepted' as const,
    revision,
    effects,
    ...(overruled.length > 0 && { overruled }),
  };
}

/** Stores whom a twin watches, where that is others than before. */
function rewatch({ workingSet, commit }: Folding, twin: LiveTwin): void {
  const targets = [...watchTargets(twin)];
  if (sameJson(targets, [...(twin.relations[WATCHES] ?? [])].sort())) return;
  commit.relation({ home: twin.home, twin: twin.twin, name: WATCHES, targets });
  workingSet.setWatches(twin, targets);
  workingSet.turned({ ...twin, relations: { ...twin.relations, [WATCHES]: targets } });
}

/** A twin has come into a room or left one: both sides know from now on. */
function relate({ workingSet, commit }: Folding, former: string | null, twin: LiveTwin): void {
  const { home, twin: member, room } = twin;
  const targets = room === null ? [] : [room];
  commit.relation({ home, twin: member, name: 'room', targets });
  if (former !== null) workingSet.setMember({ home, twin: former }, member, false);
  if (room !== null) workingSet.setMember({ home, twin: room }, member, true);
}
