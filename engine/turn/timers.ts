/** Deadlines of a twin, as pure functions on its stored list. */
import { CronExpressionParser } from 'cron-parser';
import type { ScheduleEffect } from '../model/effect.ts';
import type { EventData } from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Lateness, Timer, TwinState } from '../model/twin-state.ts';
import { firstEnd } from './leases.ts';

const FIRE: Lateness = { policy: 'fire' };

/** The list with this timer in it, in place of one of the same id. */
export function arm(timers: readonly Timer[], timer: Timer): Timer[] {
  return [...disarm(timers, timer.id), timer];
}

export function disarm(timers: readonly Timer[], id: string): Timer[] {
  return timers.filter((timer) => timer.id !== id);
}

/** A timer of an `after` or a delayed `raise`. */
export function delayTimer(kind: AnyKind, id: string, event: EventData, due: number): Timer {
  const declared = kind.lateness?.[id] ?? kind.lateness?.[delayName(id)];
  return { id, due, event, lateness: declared ?? FIRE };
}

/** `xstate.after.<delay>.<state id>` → delay; any other id as it is. */
function delayName(id: string): string {
  return id.startsWith('xstate.after.') ? (id.split('.')[2] ?? id) : id;
}

/** @throws EngineError `machine-failed` for a schedule that names no moment */
export function scheduleTimer(effect: ScheduleEffect, now: number): Timer {
  const { id, event, lateness = FIRE } = effect;
  if (effect.at !== undefined && effect.cron === undefined) {
    return { id, due: effect.at, event: event as EventData, lateness };
  }
  if (effect.cron === undefined || effect.at !== undefined || effect.timezone === undefined) {
    throw new EngineError(
      'machine-failed',
      `schedule "${id}" needs either at, or cron and timezone`,
    );
  }
  const cron = { expression: effect.cron, timezone: effect.timezone };
  return { id, due: nextOccurrence(cron, now), event: event as EventData, lateness, cron };
}

/** What a due timer comes to at `now`. */
export interface Lapse {
  /** The occurrence that is meant: the deadline, or a later one when older ones are passed over. */
  due: number;
  late: number;
  /** False when the lateness policy says to let it pass. */
  fires: boolean;
  /** The timer's next occurrence; null when it is spent. */
  next: Timer | null;
}

/** Applies the lateness policy. A timer forced before its deadline counts as due now. */
export function lapse(timer: Timer, now: number): Lapse {
  const bound = timer.lateness.policy === 'skip' ? timer.lateness.bound : Number.POSITIVE_INFINITY;
  if (!timer.cron) {
    const late = Math.max(0, now - timer.due);
    return { due: timer.due, late, fires: late <= bound, next: null };
  }
  // Missed occurrences: the latest n fire, one by one; older ones are passed over
  const keep = timer.lateness.policy === 'catchUp' ? Math.max(1, timer.lateness.n) : 1;
  const missed = latestOccurrences(timer.cron, timer.due, now, keep);
  const due = missed[0] ?? timer.due;
  const late = Math.max(0, now - due);
  const nextDue = missed[1] ?? nextOccurrence(timer.cron, Math.max(now, timer.due));
  return { due, late, fires: late <= bound, next: { ...timer, due: nextDue } };
}

/** The earliest moment at which anything of the twin falls due; null when nothing waits. */
export function nextDue(state: Pick<TwinState, 'timers' | 'pending' | 'leases'>): number | null {
  let earliest = firstEnd(state.leases);
  for (const { due } of state.timers) if (earliest === null || due < earliest) earliest = due;
  for (const { expiresAt } of state.pending) {
    if (earliest === null || expiresAt < earliest) earliest = expiresAt;
  }
  return earliest;
}

/**
 * The stored lower bound after a turn. A bound that is still one stays, so that re-arming a timer
 * later (every heartbeat does) costs no index write: it wakes early, looks, and is set right then.
 */
export function lazyWakeAt(stored: number | null, due: number | null): number | null {
  if (due === null) return stored;
  return stored !== null && stored <= due ? stored : due;
}

/** @returns epoch ms strictly after `after` */
function nextOccurrence(cron: { expression: string; timezone: string }, after: number): number {
  return parse(cron, after).next().getTime();
}

/** Up to `n` latest occurrences in [from, to], oldest first. */
function latestOccurrences(
  cron: { expression: string; timezone: string },
  from: number,
  to: number,
  n: number,
): number[] {
  const found: number[] = [];
  // prev() is exclusive
  const schedule = parse(cron, to + 1);
  while (found.length < n) {
    const at = schedule.prev().getTime();
    if (at < from) break;
    found.unshift(at);
  }
  return found;
}

function parse(cron: { expression: string; timezone: string }, at: number) {
  try {
    return CronExpressionParser.parse(cron.expression, {
      currentDate: new Date(at),
      tz: cron.timezone,
    });
  } catch (cause) {
    throw new EngineError(
      'machine-failed',
      `cron "${cron.expression}" in ${cron.timezone}: ${messageOf(cause)}`,
      { hint: 'Five fields: minute hour day month weekday; an IANA timezone.', cause },
    );
  }
}
