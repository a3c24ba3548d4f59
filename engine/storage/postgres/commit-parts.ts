import type { Commit } from '../port.ts';
import {
  ALERT,
  CANDIDATE,
  CHECKPOINT,
  type Column,
  DEAD_LETTER,
  HOME,
  INTENT,
  LOG,
  ROLLUP,
  replaced,
  TWIN,
} from '../tables.ts';
import { keptLetters } from './dead-letters.ts';
import { inLockOrder } from './locks.ts';

/** One table's part of a commit. */
export interface Part {
  columns: readonly Column[];
  rows(commit: Commit): readonly object[];
  /**
   * Common table expressions that store the rows.
   * @param rows a subquery with `columns`
   * @param open a condition that holds only if the commit has passed the fence
   */
  sql(rows: string, open: string): string;
}

const KEY: Column[] = [
  { field: 'home', name: 'home', type: 'text' },
  { field: 'twin', name: 'twin', type: 'text' },
];

const twins: Part = {
  columns: TWIN.columns,
  rows: (commit) => commit.twins,
  sql: (rows, open) => `put_twin AS (
    INSERT INTO twin (${TWIN.names}) SELECT ${TWIN.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (home, twin) DO UPDATE SET ${replaced(TWIN, ['home', 'twin'])})`,
};

const journal: Part = {
  columns: LOG.columns,
  rows: (commit) => commit.journal,
  sql: (rows, open) => `append_journal AS (
    INSERT INTO journal (${LOG.names}) SELECT ${LOG.names} FROM ${rows} AS new WHERE ${open})`,
};

const wakes: Part = {
  columns: [...KEY, { field: 'wakeAt', name: 'wake_at', type: 'number' }],
  rows: (commit) => commit.wakes,
  sql: (rows, open) => `set_wake AS (
    UPDATE twin SET wake_at = new.wake_at FROM ${rows} AS new
    WHERE twin.home = new.home AND twin.twin = new.twin AND ${open})`,
};

const withdrawn: Part = {
  columns: [{ field: 'id', name: 'id', type: 'text' }],
  rows: (commit) => inLockOrder(commit.withdrawn.map((id) => ({ id }))),
  sql: (rows, open) => `withdraw AS (
    DELETE FROM parked USING ${rows} AS gone WHERE parked.id = gone.id AND ${open})`,
};

const intents: Part = {
  columns: INTENT.columns,
  rows: (commit) => commit.intents,
  sql: (rows, open) => `end_intent AS (
    INSERT INTO intent (${INTENT.names}) SELECT ${INTENT.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (id) DO NOTHING)`,
};

const rollups: Part = {
  columns: ROLLUP.columns,
  rows: (commit) => commit.rollups,
  sql: (rows, open) => `add_rollup AS (
    INSERT INTO rollup (${ROLLUP.names}) SELECT ${ROLLUP.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (home, twin, measurement, resolution, start) DO UPDATE SET
      count = rollup.count + excluded.count,
      sum = rollup.sum + excluded.sum,
      min = least(rollup.min, excluded.min),
      max = greatest(rollup.max, excluded.max),
      last = CASE WHEN excluded.last_at >= rollup.last_at THEN excluded.last ELSE rollup.last END,
      last_at = greatest(rollup.last_at, excluded.last_at))`,
};

const homes: Part = {
  columns: HOME.columns,
  rows: (commit) => commit.homes,
  sql: (rows, open) => `insert_home AS (
    INSERT INTO home (${HOME.names}) SELECT ${HOME.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT DO NOTHING)`,
};

const alerts: Part = {
  columns: ALERT.columns,
  rows: (commit) => commit.alerts,
  sql: (rows, open) => `put_alert AS (
    INSERT INTO alert (${ALERT.names}) SELECT ${ALERT.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (id) DO UPDATE SET ${replaced(ALERT, ['id'])})`,
};

const checkpoints: Part = {
  columns: CHECKPOINT.columns,
  rows: (commit) => commit.checkpoints,
  sql: (rows, open) => `put_checkpoint AS (
    INSERT INTO checkpoint (${CHECKPOINT.names})
    SELECT ${CHECKPOINT.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (home, twin, revision) DO UPDATE SET
      ${replaced(CHECKPOINT, ['home', 'twin', 'revision'])})`,
};

const relations: Part = {
  columns: [
    ...KEY,
    { field: 'name', name: 'name', type: 'text' },
    { field: 'targets', name: 'targets', type: 'json' },
  ],
  // of two writes of one relation the later one holds
  rows: ({ relations }) => [
    ...new Map(
      relations.map((row) => [JSON.stringify([row.home, row.twin, row.name]), row]),
    ).values(),
  ],
  sql: (rows, open) => `relations AS MATERIALIZED (SELECT * FROM ${rows} AS new WHERE ${open}),
  targets AS MATERIALIZED (
    SELECT DISTINCT home, twin, name, target
    FROM relations, json_array_elements_text(targets) AS target),
  clear_relation AS (
    DELETE FROM relation USING relations AS new
    WHERE (relation.home, relation.twin, relation.name) = (new.home, new.twin, new.name)
      AND NOT EXISTS (
        SELECT FROM targets AS kept
        WHERE (kept.home, kept.twin, kept.name, kept.target)
          = (relation.home, relation.twin, relation.name, relation.target))),
  relate AS (
    INSERT INTO relation (home, twin, name, target) SELECT home, twin, name, target FROM targets
    ON CONFLICT DO NOTHING)`,
};

const candidates: Part = {
  columns: CANDIDATE.columns,
  rows: (commit) => commit.candidates,
  sql: (rows, open) => `put_candidate AS (
    INSERT INTO candidate (${CANDIDATE.names}) SELECT ${CANDIDATE.names} FROM ${rows} AS new WHERE ${open}
    ON CONFLICT (home, twin) DO UPDATE SET
      kind = excluded.kind,
      via = excluded.via,
      last_seen_at = greatest(candidate.last_seen_at, excluded.last_seen_at),
      messages = candidate.messages + excluded.messages,
      last_event = excluded.last_event)`,
};

const deadLetters = (perHome: number): Part => ({
  columns: DEAD_LETTER.columns,
  rows: (commit) => commit.deadLetters,
  sql: (rows, open) => keptLetters(rows, open, perHome),
});

/**
 * The parts in groups that come together. A group without rows is left out of the statement; parts
 * of a group are not, so that there are few statements, and each is prepared once a connection.
 */
export function commitGroups(deadLettersPerHome: number): readonly (readonly Part[])[] {
  return [
    [twins, journal],
    [wakes],
    [intents],
    [withdrawn],
    [rollups],
    [homes, alerts, checkpoints, relations, candidates],
    [deadLetters(deadLettersPerHome)],
  ];
}
