import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { journalOf, twinOf } from '../contract/sample-rows.ts';
import { commitOf } from '../contract/subject.ts';
import { commitBatch } from './commit.ts';
import { Connection } from './connection.ts';
import { encodeCommit } from './encoded-commit.ts';
import { raiseEpoch } from './lease.ts';
import { openConnection } from './open-connection.ts';
import { countTwins } from './twins.ts';

describe('an SQLite file', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeostat-connection-'));
    path = join(folder, 'homeostat.db');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** With a writer of epoch 1. */
  function open(): Connection {
    const connection = openConnection(path, () => {});
    raiseEpoch(connection, 'test', 1, 1);
    return connection;
  }
  const commit = encodeCommit(
    commitOf({
      twins: Array.from({ length: 100 }, (_, n) => twinOf({ twin: `t${n}` })),
      journal: Array.from({ length: 100 }, (_, n) => journalOf({ twin: `t${n}` })),
    }),
  );

  test('is written so that a commit outlives a power cut', () => {
    using connection = open();
    expect(connection.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
    expect(connection.get('PRAGMA synchronous')).toEqual({ synchronous: 2 });
  });

  test('on a full disk refuses a commit as a whole, reads on, and takes it once there is room', () => {
    using connection = open();
    connection.get('PRAGMA max_page_count = 50');
    expect(() => commitBatch(connection, commit, 5)).toThrow(
      expect.objectContaining({ code: 'storage-full', retryable: true }),
    );
    expect(countTwins(connection)).toBe(0);
    connection.get('PRAGMA max_page_count = 100000');
    commitBatch(connection, commit, 5);
    expect(countTwins(connection)).toBe(100);
  });

  test('that another program writes to is unavailable for now', () => {
    using connection = open();
    connection.execute('PRAGMA busy_timeout = 0');
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    expect(() => commitBatch(connection, commit, 5)).toThrow(
      expect.objectContaining({ code: 'storage-unavailable', retryable: true }),
    );
    other.exec('ROLLBACK');
    other.close();
    commitBatch(connection, commit, 5);
  });

  test('that is no database is not taken for one', () => {
    expect(() => new Connection(folder)).toThrow(
      expect.objectContaining({ code: 'storage-unavailable' }),
    );
  });
});
