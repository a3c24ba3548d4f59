import { assertStored, type Fence } from '../fence.ts';
import {
  ALERT,
  CANDIDATE,
  CHECKPOINT,
  HOME,
  INTENT_WRITE,
  JOURNAL,
  OUTBOX,
  ROLLUP,
  replaced,
  TWIN,
} from '../tables.ts';
import { type Connection, insertInto } from './connection.ts';
import { keepDeadLetters } from './dead-letters.ts';
import { type EncodedCommit, rowsOf } from './encoded-commit.ts';

const TURN_FENCE = 'UPDATE writer SET seq = ? WHERE shard = ? AND epoch = ? AND seq = ?';
const FENCE = 'SELECT epoch, seq FROM writer WHERE shard = ?';

const INSERT_HOME = `${insertInto(HOME)} ON CONFLICT DO NOTHING`;
const PUT_TWIN = `${insertInto(TWIN)}
  ON CONFLICT (home, twin) DO UPDATE SET ${replaced(TWIN, ['home', 'twin'])}`;
const SET_WAKE = 'UPDATE twin SET wake_at = ? WHERE home = ? AND twin = ?';
const APPEND_JOURNAL = insertInto(JOURNAL);
const INSERT_OUTBOX = `${insertInto(OUTBOX)} ON CONFLICT (id) DO NOTHING`;
const WITHDRAW = 'DELETE FROM outbox WHERE id = ?';
// a turn that has not seen the delivery settle writes `pending`: that never hides a later status
const PUT_INTENT = `${insertInto(INTENT_WRITE)}
  ON CONFLICT (id) DO UPDATE SET ${replaced(INTENT_WRITE, ['id', 'status'])},
    status = CASE
      WHEN excluded.status = 'pending' THEN intent.status
      WHEN excluded.status = 'sent' AND intent.status <> 'pending' THEN intent.status
      WHEN excluded.status = 'acked' AND intent.status NOT IN ('pending', 'sent') THEN intent.status
      ELSE excluded.status END`;
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
    for (const row of rowsOf(JOURNAL, commit.journal)) connection.run(APPEND_JOURNAL, ...row);
    for (const row of rowsOf(OUTBOX, commit.outbox)) connection.run(INSERT_OUTBOX, ...row);
    // after the inserts: a turn may withdraw what an earlier turn of this batch asked for
    for (const id of commit.withdrawn) connection.run(WITHDRAW, id);
    for (const row of rowsOf(INTENT_WRITE, commit.intents)) connection.run(PUT_INTENT, ...row);
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
  if (connection.run(TURN_FENCE, seq, writer, epoch, seq - 1) === 1) return true;
  assertStored(commit, connection.get<Fence>(FENCE, writer));
  return false;
}
