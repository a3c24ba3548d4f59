/** Turns of the log that are applied at once. */
import { keyOf } from '../../model/envelope.ts';
import type { LogRow } from '../../model/rows.ts';
import type { ProjectionStep } from '../../storage/port.ts';
import type { LeftOut } from './step.ts';

/** The first turns, of so many twins at most. */
export function ofTwins(turns: readonly LogRow[], most: number): readonly LogRow[] {
  const twins = new Set<string>();
  const end = turns.findIndex((turn) => twins.add(keyOf(turn)).size > most);
  return end < 0 ? turns : turns.slice(0, end);
}

/** When the first and the last of them were received, as a step stores it. */
export function timesOf(turns: readonly LogRow[]): Pick<ProjectionStep, 'first' | 'appliedAt'> {
  const [first] = turns;
  return {
    first: first ? { start: first.seq - 1, since: first.receivedAt } : null,
    appliedAt: turns.at(-1)?.receivedAt ?? null,
  };
}

export function turnOf(turn: LogRow): string {
  return `${keyOf(turn)}@${turn.revision}`;
}

/** Why a turn was left out, in one line. */
export function lineOf({ turn, error }: LeftOut): string {
  return `${turnOf(turn)}: ${error}`;
}
