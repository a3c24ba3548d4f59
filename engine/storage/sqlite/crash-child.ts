/** What `crash.test.ts` runs as programs of their own. */
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { journalOf, twinOf } from '../contract/sample-rows.ts';
import { commitOf, Writer } from '../contract/subject.ts';
import { openSqlite } from './open.ts';

/** Commits turn after turn, and says so after each, until it is killed. */
export async function commitUntilKilled(path: string): Promise<never> {
  const storage = await openSqlite(path, CONTRACT_OPTIONS);
  const lease = await storage.acquire('the child', 1, 0);
  const writer = new Writer(storage, lease.epoch);
  for (let revision = 1; ; revision++) {
    await writer.write({ twins: [twinOf({ revision })], journal: [journalOf({ revision })] });
    process.stdout.write(`${revision}\n`);
  }
}

/** Commits, and comes to its end without closing anything. */
export async function leaveOpen(path: string): Promise<void> {
  const storage = await openSqlite(path, CONTRACT_OPTIONS);
  const lease = await storage.acquire('the child', 1, 0);
  await new Writer(storage, lease.epoch).write({ twins: [twinOf()] });
  process.stdout.write('1\n');
}

/** Ends while the thread has something to do. */
export async function exitAmidCommits(path: string): Promise<void> {
  const storage = await openSqlite(path, CONTRACT_OPTIONS);
  const { epoch } = await storage.acquire('the child', 1, 0);
  await storage.commit(commitOf({ epoch, twins: [twinOf()] }));
  for (let seq = 2; seq < 1_000; seq++) {
    void storage.commit(commitOf({ epoch, seq, journal: [journalOf({ revision: seq })] }));
  }
  process.stdout.write('1\n', () => process.exit(3));
}
