import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { journalOf, twinOf } from '../contract/sample-rows.ts';
import { commitOf } from '../contract/subject.ts';
import { openSqlite } from './open.ts';
import type { Beginning } from './protocol.ts';
import { beginWorker } from './thread.ts';

const ADDRESS = { home: 'h', twin: 't' };

let folder: string;
let path: string;
let workers: Worker[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'homeostat-thread-'));
  path = join(folder, 'homeostat.db');
  workers = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param first in place of the first threads */
function open(...first: (() => Worker)[]) {
  const begin = (beginning: Beginning) => {
    const worker = (first.shift() ?? (() => beginWorker(beginning)))();
    workers.push(worker);
    return worker;
  };
  return openSqlite(path, CONTRACT_OPTIONS, () => {}, begin);
}

/** A thread that says that it is open, and runs this when it is asked something. */
function threadThat(code: string, options: WorkerOptions = {}): () => Worker {
  const text = `
    import { parentPort as port } from 'node:worker_threads';
    port.on('message', (message) => { ${code} });
    port.postMessage({ type: 'open', operations: ['ping', 'countTwins'] });`;
  return () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), options);
}

const close = threadThat('port.close()');

describe('a thread that dies', () => {
  it.each([
    ['by an error', threadThat(`throw new Error('broken')`), 'broken'],
    ['by itself', threadThat('process.exit()'), 'has ended'],
    [
      'for want of memory',
      threadThat(`for (const all = []; ; ) all.push(new Array(100_000).fill(all.length))`, {
        resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
      }),
      'memory',
    ],
  ])(
    '%s fails what it was asked as a store does that is away, and the next operation has another',
    async (_how, first, why) => {
      await using storage = await open(first);
      const asked = await Promise.allSettled([storage.ping(), storage.countTwins()]);
      for (const one of asked) {
        expect(one).toMatchObject({
          status: 'rejected',
          reason: { code: 'storage-unavailable', retryable: true },
        });
        expect(String((one as PromiseRejectedResult).reason)).toContain(why);
      }
      expect(await Promise.all([storage.ping(), storage.countTwins()])).toEqual([undefined, 0]);
      expect(workers).toHaveLength(2);
    },
  );

  it('before it is open refuses the opening', async () => {
    const broken = () => new Worker(new URL('data:text/javascript,throw new Error("no start")'));
    await expect(open(broken)).rejects.toMatchObject({
      ...{ code: 'storage-unavailable', message: expect.stringContaining('no start') },
    });
  });

  it('and cannot be begun again fails each operation, until it can', async () => {
    const broken = () => new Worker(new URL('data:text/javascript,throw new Error("no start")'));
    await using storage = await open(threadThat('process.exit()'), broken);
    await expect(storage.ping()).rejects.toThrow('has ended');
    await expect(storage.ping()).rejects.toThrow('no start');
    await storage.ping();
  });

  it('behind a commit that is stored: repeated under its seq it is not stored again', async () => {
    await using storage = await open();
    const { epoch } = await storage.acquire('test', 1, 0);
    const commit = commitOf({ epoch, twins: [twinOf()], journal: [journalOf()] });
    const [worker] = workers;
    worker?.removeAllListeners('message');
    const unanswered = storage.commit(commit);
    worker?.postMessage({ type: 'close' });
    await expect(unanswered).rejects.toMatchObject({ code: 'storage-unavailable' });
    await storage.commit(commit);
    await storage.commit(commitOf({ epoch, seq: 2, journal: [journalOf({ revision: 2 })] }));
    const rows = await storage.readJournal(ADDRESS, 0, 10);
    expect(rows.map(({ revision }) => revision)).toEqual([1, 2]);
    expect(workers).toHaveLength(2);
  });

  it('within a commit leaves nothing of it and no lock, and the claim stays', async () => {
    await using storage = await open();
    const { epoch } = await storage.acquire('test', 1, 0);
    const commit = commitOf({
      epoch,
      journal: Array.from({ length: 5_000 }, (_, revision) => journalOf({ revision })),
    });
    const cut = storage.commit(commit);
    await Promise.all([
      expect(cut).rejects.toMatchObject({ code: 'storage-unavailable' }),
      workers[0]?.terminate(),
    ]);
    await using other = await openSqlite(path, CONTRACT_OPTIONS);
    await expect(other.acquire('other', 1, 0)).rejects.toMatchObject({ code: 'owned-elsewhere' });
    await storage.commit(commit);
    expect(await storage.readJournal(ADDRESS, 0, 10_000)).toHaveLength(5_000);
  });
});

it('does what it was asked before it is closed, and refuses what comes after', async () => {
  const storage = await open();
  const { epoch } = await storage.acquire('test', 1, 0);
  const last = storage.commit(commitOf({ epoch, twins: [twinOf()] }));
  await Promise.all([storage[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
  await last;
  await expect(storage.ping()).rejects.toMatchObject({
    ...{ code: 'storage-unavailable', message: 'the storage has been closed' },
  });
  expect(workers).toHaveLength(1);
  await using again = await open();
  expect(await again.countTwins()).toBe(1);
});

it('can be closed when its thread has died, and begins none for that', async () => {
  const storage = await open(close);
  await expect(storage.ping()).rejects.toMatchObject({ code: 'storage-unavailable' });
  await storage[Symbol.asyncDispose]();
  expect(workers).toHaveLength(1);
});

it('refuses arguments that cannot be copied, and goes on', async () => {
  await using storage = await open();
  const filter = { kind: (() => {}) as never };
  await expect(storage.listTwins('h', filter, { limit: 1 })).rejects.toThrow('could not be cloned');
  expect(await storage.countTwins()).toBe(0);
});
