/** What `crash.test.ts` kills: commits turn after turn, and says so after each, until it is killed. */
import { CONTRACT_OPTIONS } from '../contract/options.ts';
import { journalOf, twinOf } from '../contract/sample-rows.ts';
import { Writer } from '../contract/subject.ts';
import { openSqlite } from './open.ts';

export async function commitUntilKilled(path: string): Promise<never> {
  const storage = await openSqlite(path, CONTRACT_OPTIONS);
  const lease = await storage.acquire('the child', 1, 0);
  const writer = new Writer(storage, lease.epoch);
  for (let revision = 1; ; revision++) {
    await writer.write({ twins: [twinOf({ revision })], journal: [journalOf({ revision })] });
    process.stdout.write(`${revision}\n`);
  }
}
