import type { GenerationRow } from '../../model/rows.ts';
import type { Storage } from '../../storage/port.ts';

/** A generation of a projection, as an operator sees it. */
export interface ProjectionStatus extends GenerationRow {
  /** Positions of the log that it has still to read. */
  lag: number;
  /** How much of the log's time it has read, 0 to 1. */
  progress: number;
}

/** Those whose rows are there, with how far they have come. */
export function statusesOf(
  { generations, head }: Awaited<ReturnType<Storage['listGenerations']>>,
  now: number,
): ProjectionStatus[] {
  return generations
    .filter(({ status }) => status !== 'ended')
    .map((row) => {
      const lag = Math.max(0, head - row.cursor);
      return { ...row, lag, progress: lag === 0 ? 1 : progressOf(row, now) };
    });
}

/**
 * By time: positions say nothing, as those of turns from before there were any are the ms in which these were received,
 * thousands to a turn.
 */
function progressOf({ since, appliedAt }: GenerationRow, now: number): number {
  if (since === null || appliedAt === null || now <= since) return 0;
  return Math.min(1, Math.max(0, (appliedAt - since) / (now - since)));
}
