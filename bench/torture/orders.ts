/** What the parent may tell the engine under torture. Each order is answered. */

/** The places of a batch's way at which a process can die with a difference. */
export const KILL_POINTS = [
  /** Folded, not stored. */
  'before-commit',
  /** Stored; the sender has not been told. */
  'after-commit',
  /** The sender has been told; nothing of what the turn asked for has left. */
  'after-acknowledge',
  /** A command has left; that it has is not stored. */
  'after-publish',
] as const;
export type KillPoint =
  | (typeof KILL_POINTS)[number]
  /** A delivery that must wait is parked; the cursor has not passed it. */
  | 'after-parking'
  /** All that could leave has left; no commit takes the cursor along. */
  | 'before-cursor';

export type Order =
  /** Kill yourself when you pass the point for the `passes`-th time from now on. */
  | { order: 'kill'; point: KillPoint; passes: number }
  /** Your clock goes this far from the system's, ms. */
  | { order: 'clock'; offsetMs: number }
  /** Your sinks cannot reach anything, or can again. */
  | { order: 'destinations'; areAway: boolean }
  | { order: 'usage' };

export interface Answer {
  /** Bytes of memory: now, and the most it has ever been. */
  rss: number;
  peakRss: number;
}
