import { assertStored, type Fence } from '../fence.ts';
import {
  ALERT,
  CANDIDATE,
  CHECKPOINT,
  HOME,
  INTENT,
  LOG,
  ROLLUP,
  replaced,
  TWIN,
} from '../tables.ts';
import { type Connection, insertInto } from './connection.ts';
import { MERGED } from './cursors.ts';
import { keepDeadLetters } from './dead-letters.ts';
import { type EncodedCommit, rowsOf } from './encoded-commit.ts';

const TURN_FENCE = `UPDATE writer SET seq = @seq, cursors = ${MERGED}
  WHERE shard = @writer AND epoch = @epoch AND seq < @seq`;
const FENCE = 'SELECT epoch, seq FROM writer WHERE shard = ?';

const INSERT_HOME = `${insertInto(HOME)} ON CONFLICT DO NOTHING`;
const PUT_TWIN = `${insertInto(TWIN)}
  ON CONFLICT (home, twin) DO UPDATE SET ${replaced(TWIN, ['home', 'twin'])}`;
const SET_WAKE = 'UPDATE twin SET wake_at = ? WHERE home = ? AND twin = ?';
const APPEND_JOURNAL = insertInto(LOG);
const WITHDRAW = 'DELETE FROM parked WHERE id = ?';
const END_INTENT = `${insertInto(INTENT)} ON CONFLICT (id) DO NOTHING`;
const PUT_ALERT = `${insertInto(ALERT)} ON CONFLICT (id) DO UPDATE SET ${replaced(ALERT, ['id'])}`;
const ADD_ROLLUP = `${insertInto(ROLLUP)}
  ON CONFLICT (home, twin, measurement, resolution, start) DO UPDATE SET
    count = count + excluded.count,
    sum = sum + excluded.sum,
    min = min(min, excluded.min),
    max = max(max, excluded.max),
    last = CASE WHEN excluded.last_at >= last_at THEN excluded.last ELSE last END,
    last_at = max(last_at, excluded.last_at)`;
const PUT_CHECKPOINT = `${insertInto(CHECKPOINT)}
  ON CONFLICT (home, twin, revision) DO UPDATE SET
    ${replaced(CHECKPOINT, ['home', 'twin', 'revision'])}`;
const CLEAR_RELATION = 'DELETE FROM relation WHERE home = ? AND twin = ? AND name = ?';
const RELATE =
  'INSERT INTO relation (home, twin, name, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
const PUT_CANDIDATE = `${insertInto(CANDIDATE)}
  ON CONFLICT (home, twin) DO UPDATE SET
    kind = excluded.kind,
    via = excluded.via,
    last_seen_at = max(last_seen_at, excluded.last_seen_at),
    messages = messages + excluded.messages,
    last_event = excluded.last_event`;

/** Stores a batch as one transaction, which the fence opens. */
export function commitBatch(
  connection: Connection,
  commit: EncodedCommit,
  deadLettersPerHome: number,
): void {
  connection.transaction(() => {
    if (!turnFence(connection, commit)) return;
    for (const row of rowsOf(HOME, commit.homes)) connection.run(INSERT_HOME, ...row);
    for (const row of rowsOf(TWIN, commit.twins)) connection.run(PUT_TWIN, ...row);
    for (const { home, twin, wakeAt } of commit.wakes) connection.run(SET_WAKE, wakeAt, home, twin);
    for (const row of rowsOf(LOG, commit.journal)) connection.run(APPEND_JOURNAL, ...row);
    for (const id of commit.withdrawn) connection.run(WITHDRAW, id);
    for (const row of rowsOf(INTENT, commit.intents)) connection.run(END_INTENT, ...row);
    for (const row of rowsOf(ALERT, commit.alerts)) connection.run(PUT_ALERT, ...row);
    for (const row of rowsOf(ROLLUP, commit.rollups)) connection.run(ADD_ROLLUP, ...row);
    for (const row of rowsOf(CHECKPOINT, commit.checkpoints)) {
      connection.run(PUT_CHECKPOINT, ...row);
    }
    for (const { home, twin, name, targets } of commit.relations) {
      connection.run(CLEAR_RELATION, home, twin, name);
      for (const target of targets) connection.run(RELATE, home, twin, name, target);
    }
    for (const row of rowsOf(CANDIDATE, commit.candidates)) connection.run(PUT_CANDIDATE, ...row);
    keepDeadLetters(connection, commit.deadLetters, deadLettersPerHome);
  });
}

/** @returns false when this commit is stored already. @throws EngineError `fenced` */
function turnFence(connection: Connection, commit: EncodedCommit): boolean {
  const { writer, epoch, seq } = commit;
  const cursors = commit.cursors && JSON.stringify(commit.cursors);
  if (connection.run(TURN_FENCE, { writer, epoch, seq, cursors }) === 1) return true;
  assertStored(commit, connection.get<Fence>(FENCE, writer));
  return false;
}
