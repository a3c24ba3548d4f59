/** What 0007 makes of a database in which homes had no incarnations. */
import SqliteDatabase from 'better-sqlite3';
import pg from 'pg';
import { expect, test } from 'vitest';
import { readMigrations } from '../../engine/index.ts';
import { createBareDatabase } from '../../engine/testing/postgres.ts';

const NAME = '0007-rights.sql';

const BEFORE = `
INSERT INTO home (id, name, timezone, created_at) VALUES ('nest', 'Nest', 'UTC', 1000);
INSERT INTO person (id, email, email_key, name, language, is_admin, created_at)
  VALUES ('ada', 'Ada@Example.org', 'ada@example.org', 'Ada', 'en', 0, 1);
INSERT INTO ownership (home, person, since) VALUES ('nest', 'ada', 1), ('hidden', 'ada', 1);
INSERT INTO invitation (id, home, code_hash, role, email, made_by, created_at, expires_at)
  VALUES ('i', 'nest', 'x', 'member', ' Bob@Example.org', 'x', 1, 9), ('j', 'hidden', 'y', 'member', NULL, 'x', 1, 9);
INSERT INTO audit (at, home, who, action, outcome, correlation)
  VALUES (500, 'nest', 'former', 'a', 'done', 'c'), (1500, 'nest', 'ada', 'a', 'done', 'c'), (1500, NULL, 'x', 'a', 'done', 'c');
INSERT INTO enrolment (serial, kind, factory_token, secret_hash, code_hash, enrolled_at, home, twin, claimed_at) VALUES
  ('half', 'lamp', 't', 's1', 'c1', 1, 'nest', 'gone', 7), ('free', 'lamp', 't', 's2', 'c2', 1, NULL, NULL, NULL);
INSERT INTO device_credential (home, twin, hash, made_by, created_at) VALUES ('hidden', 'lamp', 'h', 'x', 1);
`;
const AFTER = {
  ownership: 'SELECT home FROM ownership',
  invitations: 'SELECT id, email_key FROM invitation',
  incarnations: 'SELECT home, began_at, made_at, ended_at FROM home_incarnation',
  audit: 'SELECT who FROM audit WHERE incarnation IS NOT NULL',
  enrolments: 'SELECT serial, home, secret_ended_at FROM enrolment ORDER BY serial',
  credentials: 'SELECT home FROM device_credential',
};
const WANTED = {
  ownership: [{ home: 'nest' }],
  invitations: [{ id: 'i', email_key: 'bob@example.org' }],
  incarnations: [{ home: 'nest', began_at: 1000, made_at: 1000, ended_at: null }],
  audit: [{ who: 'ada' }],
  enrolments: [
    { serial: 'free', home: null, secret_ended_at: null },
    { serial: 'half', home: null, secret_ended_at: null },
  ],
  credentials: [],
};

test('SQLite: homes that are there have one, and what belonged to others is gone', () => {
  using database = new Disposing();
  for (const { name, sql } of readMigrations('sqlite')) {
    if (name === NAME) database.execute(BEFORE);
    if (name <= NAME) database.execute(sql);
  }
  const found = Object.entries(AFTER).map(([what, sql]) => [what, database.all(sql)]);
  expect(Object.fromEntries(found)).toEqual(WANTED);
});

test('PostgreSQL: homes that are there have one, and what belonged to others is gone', async () => {
  await using place = await createBareDatabase();
  const client = new pg.Client({
    connectionString: place.url,
    types: { getTypeParser: () => (text: string) => (/^\d+$/.test(text) ? Number(text) : text) },
  });
  await client.connect();
  for (const { name, sql } of readMigrations('postgres')) {
    if (name === NAME) await client.query(BEFORE);
    if (name <= NAME) await client.query(sql);
  }
  const found: Record<string, unknown> = {};
  for (const [what, sql] of Object.entries(AFTER)) found[what] = (await client.query(sql)).rows;
  await client.end();
  expect(found).toEqual(WANTED);
});

class Disposing implements Disposable {
  readonly #database = new SqliteDatabase(':memory:');

  execute(sql: string): void {
    this.#database.exec(sql);
  }

  all(sql: string): unknown[] {
    return this.#database.prepare(sql).all();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
