import { assertStored, type Fence } from '../fence.ts';
import type { Commit } from '../port.ts';
import { columnsOf, rowsFrom } from './columns.ts';
import { commitGroups, type Part } from './commit-parts.ts';
import { merged } from './cursors.ts';
import type { Database, Statement, Value } from './database.ts';
import { lacksPartition } from './failures.ts';
import { makePartitions, weeksOf } from './partitions.ts';

const FENCE: Statement = {
  name: 'fence',
  text: 'SELECT epoch, seq FROM writer WHERE shard = $1',
};

/** Stores a batch as one statement, thus one transaction and one round trip. */
export class Committer {
  readonly #database: Database;
  readonly #groups: readonly (readonly Part[])[];
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database, deadLettersPerHome: number) {
    this.#database = database;
    this.#groups = commitGroups(deadLettersPerHome);
  }

  async commit(commit: Commit): Promise<void> {
    const { writer, epoch, seq, cursors } = commit;
    const parts = this.#groups.filter((group) =>
      group.some((part) => part.rows(commit).length > 0),
    );
    const statement = this.#statementFor(parts);
    const values: Value[] = [writer, epoch, seq, cursors && JSON.stringify(cursors)];
    for (const { columns, rows } of parts.flat()) values.push(...columnsOf(columns, rows(commit)));

    if (await this.#execute(commit, statement, values)) return;
    const [fence] = await this.#database.query<Fence>(FENCE, [writer]);
    assertStored(commit, fence);
  }

  /** @returns whether it has passed the fence */
  async #execute(commit: Commit, statement: Statement, values: Value[]): Promise<boolean> {
    const run = async () => {
      const [outcome] = await this.#database.query<{ passed: boolean }>(statement, values);
      return outcome?.passed ?? false;
    };
    try {
      return await run();
    } catch (error) {
      if (!lacksPartition(error)) throw error;
      // upkeep has not been here for weeks, or the clock has jumped; nothing was stored
      const weeks = weeksOf(commit.journal);
      await this.#database.transaction((query) => makePartitions(query, weeks));
      return await run();
    }
  }

  #statementFor(groups: readonly (readonly Part[])[]): Statement {
    const name = `commit-${groups.map((group) => this.#groups.indexOf(group)).join('')}`;
    let statement = this.#statements.get(name);
    if (!statement) {
      statement = { name, text: textOf(groups.flat()) };
      this.#statements.set(name, statement);
    }
    return statement;
  }
}

/**
 * The fence opens the statement: every part stores only what it selects WHERE the gate has a row.
 * $1 writer, $2 epoch, $3 seq, $4 cursors, then the parts' columns.
 */
function textOf(parts: readonly Part[]): string {
  const expressions = [
    `gate AS (
    UPDATE writer SET seq = $3::bigint, cursors = ${merged('$4::json')}
    WHERE shard = $1::integer AND epoch = $2::bigint AND seq < $3::bigint RETURNING shard)`,
  ];
  let parameter = 5;
  for (const { columns, sql } of parts) {
    expressions.push(sql(rowsFrom(columns, parameter), 'EXISTS (SELECT FROM gate)'));
    parameter += columns.length;
  }
  return `WITH ${expressions.join(',\n  ')}
SELECT EXISTS (SELECT FROM gate) AS passed`;
}
