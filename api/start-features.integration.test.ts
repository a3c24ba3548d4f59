/** Tables of a feature, on both stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createEngine,
  type Engine,
  EngineTelemetry,
  ManualClock,
  openStorage,
} from '../engine/index.ts';
import { createTestDatabase, runOn } from '../engine/testing/postgres.ts';
import type { Access } from '../features/contract/access.ts';
import { defineFeature } from '../features/contract/feature.ts';
import type { FeatureTables } from '../features/contract/tables.ts';
import { lamp } from './http/testing/kinds.ts';
import { ReleaseStack } from './release-stack.ts';
import { NOT_BEGUN, startFeatures } from './start-features.ts';

interface Tables {
  teaNote: { home: string; twin: string; noteText: string };
}
const MIGRATION = (text: string) =>
  `CREATE TABLE tea_note (
    home ${text} NOT NULL, twin ${text} NOT NULL, note_text ${text} NOT NULL,
    PRIMARY KEY (home, twin),
    FOREIGN KEY (home, twin) REFERENCES twin (home, twin) ON DELETE CASCADE
  )`;
/** What no feature here asks for. */
const SURROUNDINGS = {
  ...{ configuration: {}, begun: NOT_BEGUN, access: {} as Access, admission: 'claim' as const },
  ...{ broker: { url: () => null, root: 'x' }, thread: null, newId: () => 'x' },
  log: { info() {}, warn() {}, error() {} },
};
const BY = { principal: 'test', source: 'rest' };

const STORES = {
  SQLite: async (stack: ReleaseStack) => {
    const folder = mkdtempSync(join(tmpdir(), 'homeostat-tables-'));
    stack.defer(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, 'x.db');
    const run = async (sql: string) => {
      const database = new SqliteDatabase(path);
      database.exec(sql);
      database.close();
    };
    return { url: `sqlite:${path}`, run };
  },
  PostgreSQL: async (stack: ReleaseStack) => {
    const { url } = stack.use(await createTestDatabase());
    const run = (sql: string) => runOn(url, sql);
    return { url, run };
  },
};

describe.each(Object.entries(STORES))('tables of a feature on %s', (_store, open) => {
  let stack: ReleaseStack;
  let engine: Engine;
  let tables: FeatureTables<Tables>;
  let url: string;
  beforeEach(async () => {
    stack = new ReleaseStack();
    const opened = await open(stack);
    const { run } = opened;
    url = opened.url;
    const storage = stack.use(await openStorage(url, { deadLettersPerHome: 10 }));
    await run(MIGRATION('text'));
    let ids = 0;
    engine = stack.use(
      await createEngine({
        ...{ storage, kinds: [lamp], clock: new ManualClock(), telemetry: new EngineTelemetry() },
        ...{ newId: () => `id-${++ids}`, defaultTimezone: 'UTC', owner: 'test', destinations: {} },
        retention: { journal: 30, rollups: 30, ended: 30 },
      }),
    );
    const feature = defineFeature({
      name: 'tea',
      start(ports) {
        tables = ports.tables<Tables>();
        return {};
      },
    });
    await startFeatures([feature], { ...SURROUNDINGS, engine, databaseUrl: url }, stack);
    await engine.createHome({ id: 'h1', name: 'One', timezone: 'UTC' });
    await engine.createTwin({ home: 'h1', twin: 'l1', kind: 'lamp' }, BY);
  });
  afterEach(() => stack[Symbol.asyncDispose]());

  const notes = () => tables.database.selectFrom('teaNote').select(['twin', 'noteText']).execute();
  const note = (twin: string) =>
    tables.atomically(async (writing) => {
      await writing.insertInto('teaNote').values({ home: 'h1', twin, noteText: 'hot' }).execute();
    });

  it('are written while the twin has turns, and stay', async () => {
    await note('l1');
    await engine.updateTwin({ home: 'h1', twin: 'l1' }, { name: 'Lamp' }, BY);
    expect(await notes()).toEqual([{ twin: 'l1', noteText: 'hot' }]);
  });

  it('hold nothing of what a transaction that fails has written', async () => {
    const failing = tables.atomically(async (writing) => {
      await writing
        .insertInto('teaNote')
        .values({ home: 'h1', twin: 'l1', noteText: 'hot' })
        .execute();
      throw new Error('no tea');
    });
    await expect(failing).rejects.toThrow('no tea');
    expect(await notes()).toEqual([]);
  });

  it('hold nothing of what is not there, and say so', async () => {
    await expect(note('none')).rejects.toMatchObject({ code: 'unknown-twin' });
  });

  it('can be read until the feature has ended, however late it asked for them', async () => {
    let read = async (): Promise<unknown> => 'not started';
    let atTheEnd: unknown;
    const late = defineFeature({
      name: 'late',
      start(ports) {
        read = () => ports.tables<Tables>().database.selectFrom('teaNote').select('twin').execute();
        return {
          [Symbol.asyncDispose]: async () => {
            atTheEnd = await read();
          },
        };
      },
    });
    await using started = new ReleaseStack();
    await startFeatures([late], { ...SURROUNDINGS, engine, databaseUrl: url }, started);
    await note('l1');
    expect(await read()).toEqual([{ twin: 'l1' }]);
    await started[Symbol.asyncDispose]();
    expect(atTheEnd).toEqual([{ twin: 'l1' }]);
  });

  it('have no row of a twin that is not there', async () => {
    await expect(note('nobody')).rejects.toThrow();
  });

  it.each([
    ['twin', () => engine.deleteTwin({ home: 'h1', twin: 'l1' }, BY)],
    ['home', () => engine.deleteHome('h1')],
  ])('lose what is of a %s that is deleted', async (_what, remove) => {
    await note('l1');
    await remove();
    expect(await notes()).toEqual([]);
  });
});
