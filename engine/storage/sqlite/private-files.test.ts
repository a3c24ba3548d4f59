import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqlite } from './open.ts';

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'private-'));
  umask = process.umask(0o022);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true });
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

it('keeps the database and all beside it from everybody else, while it is open and after', async () => {
  const data = join(folder, 'data');
  const storage = await openSqlite(join(data, 'h.db'), { deadLettersPerHome: 1 });
  await using lease = await storage.acquire('test', 1, 0);
  expect(lease.epoch).toBe(1);
  expect(modeOf(data)).toBe('700');
  const files = readdirSync(data);
  expect(files).toEqual(expect.arrayContaining(['h.db', 'h.db-wal', 'h.db-shm', 'h.db.lock']));
  for (const file of files) expect([file, modeOf(join(data, file))]).toEqual([file, '600']);
  await storage[Symbol.asyncDispose]();
});

it('takes back what others could read before, and leaves a folder of somebody else as it is', async () => {
  const shared = join(folder, 'shared');
  mkdirSync(shared, { mode: 0o755 });
  const path = join(shared, 'h.db');
  const open = () => openSqlite(path, { deadLettersPerHome: 1 });
  await (await open())[Symbol.asyncDispose]();
  chmodSync(path, 0o644);
  const storage = await open();
  expect(modeOf(path)).toBe('600');
  expect(modeOf(join(shared, 'h.db-wal'))).toBe('600');
  expect(modeOf(shared)).toBe('755');
  await storage[Symbol.asyncDispose]();
});
