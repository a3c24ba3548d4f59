import { restore, type Snapshot } from './kernel.ts';
import type { AnyKind, View } from './kind.ts';
import { migrateTwin } from './migrate-twin.ts';
import type { LoadedTwin } from './rows.ts';

/** A twin in memory: its row, its machine's snapshot and what its kind shows of it. */
export interface LiveTwin extends LoadedTwin {
  kindOf: AnyKind;
  snapshot: Snapshot;
  view: View;
  /** Set on a twin that an older version of its kind has stored, until its next turn is. */
  migratedFrom?: number;
}

/**
 * A stored twin brought to life, by its kind's present version.
 * @throws EngineError `state-unreadable`
 */
export function revive(kind: AnyKind, stored: LoadedTwin): LiveTwin {
  const row = migrateTwin(kind, stored);
  const snapshot = restore(kind, row.state);
  return {
    ...row,
    kindOf: kind,
    snapshot,
    view: kind.view(snapshot.context),
    ...(stored.version !== kind.version && { migratedFrom: stored.version }),
  };
}
