import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import type * as Child from './crash-child.ts';
import { openSqlite } from './open.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
// Node 20 runs no TypeScript by itself; vite, which runs these tests, does
const RUN = `import { runnerImport } from 'vite';
  const { module } = await runnerImport(process.argv[1], { configFile: false, logLevel: 'error' });
  await module[process.argv[2]](process.argv[3]);`;

function run(what: keyof typeof Child, path: string) {
  const args = ['--input-type=module', '-e', RUN, '--', CHILD, what, path];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

test.each([1, 7, 40])(
  'a process killed after %i commits leaves whole commits, and its claim goes with it',
  async (commits) => {
    const folder = await mkdtemp(join(tmpdir(), 'homeostat-crash-'));
    const path = join(folder, 'homeostat.db');
    const child = run('commitUntilKilled', path);
    const exited = once(child, 'exit');
    try {
      let acknowledged = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        if (acknowledged === commits) {
          await using other = await openSqlite(path, CONTRACT_OPTIONS);
          await expect(other.acquire('test', 1, 0)).rejects.toThrow(/the child/);
          child.kill('SIGKILL');
        }
      }
      await exited;
      await using storage = await openSqlite(path, CONTRACT_OPTIONS);
      const lease = await storage.acquire('test', 1, 0);
      expect(lease.epoch).toBe(2);
      const revision = (await storage.getTwin({ home: 'h', twin: 't' }))?.revision ?? 0;
      expect(revision).toBeGreaterThanOrEqual(acknowledged);
      const journal = await storage.readJournal({ home: 'h', twin: 't' }, 0, 1_000_000);
      expect(journal.map((row) => row.revision)).toEqual(
        Array.from({ length: revision }, (_, n) => n + 1),
      );
      expect(await storage.readLog(0, revision + 1)).toHaveLength(revision);
    } finally {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    }
  },
);

test.each([
  ['leaveOpen', 0],
  ['exitAmidCommits', 3],
] as const)('a process ends in spite of an open database: %s', async (what, expected) => {
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-exit-'));
  try {
    const path = join(folder, 'homeostat.db');
    const child = run(what, path);
    child.stdout.resume();
    const [code] = await once(child, 'exit');
    expect(code).toBe(expected);
    await using storage = await openSqlite(path, CONTRACT_OPTIONS);
    await using lease = await storage.acquire('test', 1, 0);
    expect(lease.epoch).toBe(2);
    expect(await storage.countTwins()).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
