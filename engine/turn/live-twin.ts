import { restore, type Snapshot } from '../kernel/kernel.ts';
import type { AnyKind, View } from '../model/kind.ts';
import type { LoadedTwin } from '../model/rows.ts';
import { type Life, lifeOf } from '../model/turn-ids.ts';
import { migrateTwin } from './migrate-twin.ts';

/** A twin in memory: its row, its machine's snapshot and what its kind shows of it. */
export interface LiveTwin extends LoadedTwin {
  /** The epoch of the database, under which its turns are folded. */
  epoch: number;
  /** What ids of its turns carry. */
  life: Life;
  kindOf: AnyKind;
  snapshot: Snapshot;
  view: View;
  /** Set on a twin that an older version of its kind has stored, until its next turn is. */
  migratedFrom?: number;
}

/**
 * A stored twin brought to life, by its kind's present version.
 * @param epoch of the database, under which its next turns are folded
 * @throws EngineError `state-unreadable`
 */
export function revive(kind: AnyKind, stored: LoadedTwin, epoch: number): LiveTwin {
  const row = migrateTwin(kind, stored);
  const snapshot = restore(kind, row.state);
  return {
    ...row,
    epoch,
    life: lifeOf(row.incarnation, epoch),
    kindOf: kind,
    snapshot,
    view: kind.view(snapshot.context),
    ...(stored.version !== kind.version && { migratedFrom: stored.version }),
  };
}
