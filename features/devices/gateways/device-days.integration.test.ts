/** What gateways have brought, on both stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  atomically,
  createEngine,
  type Engine,
  EngineTelemetry,
  ManualClock,
  openStorage,
  openTables,
} from '../../../engine/index.ts';
import { lamp } from '../../../engine/testing/lamp.ts';
import { createTestDatabase } from '../../../engine/testing/postgres.ts';
import { DeviceDays, type DevicesTables } from './device-days.ts';

const MINUTE_MS = 60_000;
const BY = { principal: 'test', source: 'rest' };
const PUMP = { home: 'one', twin: 'pump' };
const DAY = ['one', 'pump', '2026-01-05'] as const;
const NOTHING = { taken: 0, refused: 0, isDone: false };

/** What ends with the test, the last first. */
let ends: (() => Promise<void>)[] = [];
function use<T extends AsyncDisposable>(resource: T): T {
  ends.unshift(async () => resource[Symbol.asyncDispose]());
  return resource;
}

const STORES = {
  SQLite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'homeostat-days-'));
    ends.unshift(async () => rmSync(folder, { recursive: true }));
    return `sqlite:${folder}/x.db`;
  },
  PostgreSQL: async () => use(await createTestDatabase()).url,
};

describe.each(Object.entries(STORES))('the days of a device on %s', (_store, makeDatabase) => {
  let engine: Engine;
  let days: DeviceDays;
  const clock = new ManualClock();
  beforeEach(async () => {
    const url = await makeDatabase();
    const storage = use(await openStorage(url, { deadLettersPerHome: 10 }));
    let ids = 0;
    engine = use(
      await createEngine({
        ...{ storage, kinds: [lamp], clock, telemetry: new EngineTelemetry(), destinations: {} },
        ...{ newId: () => `id-${++ids}`, defaultTimezone: 'UTC', owner: 'test' },
        retention: { journal: 30, rollups: 30, ended: 30 },
      }),
    );
    const unavailable = (message: string) => new Error(message);
    const database = openTables<DevicesTables>(url, { unavailable, gone: unavailable });
    ends.unshift(() => database.destroy());
    const tables = {
      database,
      atomically: <R>(work: Parameters<typeof atomically<DevicesTables, R>>[1]) =>
        atomically(database, work, unavailable),
    };
    days = new DeviceDays({ tables, clock });
    await engine.createHome({ id: 'one', name: 'One', timezone: 'UTC' });
    await engine.createTwin({ ...PUMP, kind: 'lamp' }, BY);
  });
  afterEach(async () => {
    for (const end of ends) await end();
    ends = [];
  });

  it('are remembered as far as they were taken', async () => {
    expect(await days.read(...DAY)).toEqual(NOTHING);
    await days.write(...DAY, { taken: 16, refused: 1, isDone: false });
    await days.write(...DAY, { taken: 20, refused: 2, isDone: true });
    expect(await days.read(...DAY)).toEqual({ taken: 20, refused: 2, isDone: true });
  });

  it('are forgotten in time', async () => {
    await days.write(...DAY, { taken: 16, refused: 1, isDone: false });
    await days.tidy(clock.now());
    expect(await days.read(...DAY)).toMatchObject({ taken: 16 });
    clock.advance(MINUTE_MS);
    await days.tidy(clock.now());
    expect(await days.read(...DAY)).toEqual(NOTHING);
  });

  it('are not those of the next twin of that name', async () => {
    await days.write(...DAY, { taken: 16, refused: 1, isDone: false });
    await engine.deleteTwin(PUMP, BY);
    await expect(days.write(...DAY, { taken: 20, refused: 1, isDone: true })).rejects.toThrow(
      'what a row refers to is not there any more',
    );
    await engine.createTwin({ ...PUMP, kind: 'lamp' }, BY);
    expect(await days.read(...DAY)).toEqual(NOTHING);
  });
});
