import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError, messageOf } from '../model/errors.ts';

/** A numbered file of `migrations/<dialect>/`. */
export interface Migration {
  name: string;
  /** The checksum of the text, whatever its line ends. */
  checksum: string;
  sql: string;
}

/** A database that holds data is about to be changed. */
export type OnMigration = (name: string) => void;

export interface AppliedMigration {
  name: string;
  checksum: string;
}

const NUMBERED = /^\d{4}-[a-z0-9-]+\.sql$/;

/** The migrations of a dialect in their order. */
export function readMigrations(dialect: 'sqlite' | 'postgres'): Migration[] {
  const folder = join(migrationsFolder(), dialect);
  return readdirSync(folder)
    .filter((name) => NUMBERED.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * What a database still lacks.
 * @throws EngineError `database-too-new` when it has what these files lack, `migration-failed` when
 * it was made from other files of the same names
 */
export function pendingMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] {
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const migration = byName.get(name);
    if (!migration) {
      throw new EngineError(
        'database-too-new',
        `the database has migration ${name}, which this version does not know`,
        {
          hint: 'Start the version that last used this database, or a newer one; nothing was changed.',
        },
      );
    }
    if (migration.checksum !== checksum) {
      throw new EngineError('migration-failed', `${name} was changed after it was applied`, {
        hint: 'Migrations only go forward: restore the file and put the change into a new one.',
      });
    }
  }
  const done = new Set(applied.map((migration) => migration.name));
  return known.filter((migration) => !done.has(migration.name));
}

export function migrationFailed(name: string, cause: unknown): EngineError {
  return new EngineError('migration-failed', `${name}: ${messageOf(cause)}`, {
    cause,
    hint: 'The migration was undone as a whole; the database is as it was before.',
  });
}

/** `migrations/` beside the nearest `package.json`, above the source as well as above `dist/`. */
function migrationsFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, 'migrations');
    if (existsSync(join(folder, 'package.json')) && existsSync(found)) return found;
    if (folder === dirname(folder)) {
      throw new EngineError(
        'migration-failed',
        'there is no migrations folder beside package.json',
        {
          hint: 'Install the package whole: it reads its migrations at start.',
        },
      );
    }
  }
}
