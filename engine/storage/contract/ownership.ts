import { describe, expect, test } from 'vitest';
import { journalOf, twinOf } from './sample-rows.ts';
import { commitOf, type OpenSubject, WRITERS } from './subject.ts';

export function ownershipContract(open: OpenSubject): void {
  describe('ownership', () => {
    test('refuses a second owner and says who the first is', async () => {
      await using subject = await open();
      await using lease = await subject.storage.acquire('engine-a', 1, 0);
      expect(lease.epoch).toBe(1);
      await expect(subject.storage.acquire('engine-b', 1, 0)).rejects.toMatchObject({
        code: 'owned-elsewhere',
        retryable: true,
        message: expect.stringContaining('engine-a'),
      });
      if (!subject.reopen) return;
      await using other = await subject.reopen();
      await expect(other.acquire('engine-b', 1, 0)).rejects.toMatchObject({
        code: 'owned-elsewhere',
      });
    });

    test('lets the next owner in once the first has let go, with a higher epoch', async () => {
      await using subject = await open();
      const { storage } = subject;
      const first = await storage.acquire('engine-a', WRITERS, 0);
      const waiting = storage.acquire('engine-b', WRITERS, 10_000);
      await first[Symbol.asyncDispose]();
      await using second = await waiting;
      expect(second.epoch).toBe(first.epoch + 1);
    });

    test('refuses a commit of a former epoch, by any writer, and leaves nothing of it', async () => {
      await using subject = await open();
      const { storage } = subject;
      const first = await storage.acquire('engine-a', WRITERS, 0);
      await storage.commit(commitOf({ epoch: first.epoch, seq: 1 }));
      await first[Symbol.asyncDispose]();
      await using second = await storage.acquire('engine-b', WRITERS, 0);
      for (let writer = 0; writer < WRITERS; writer++) {
        for (const seq of [1, 2]) {
          const late = commitOf({ writer, epoch: first.epoch, seq, twins: [twinOf()] });
          await expect(storage.commit(late)).rejects.toMatchObject({ code: 'fenced' });
        }
      }
      expect(await storage.countTwins()).toBe(0);
      await storage.commit(commitOf({ epoch: second.epoch, seq: 2, twins: [twinOf()] }));
      expect(await storage.countTwins()).toBe(1);
    });

    test('fences an owner of more writers than the next one has', async () => {
      await using subject = await open();
      const { storage } = subject;
      const first = await storage.acquire('engine-a', 3, 0);
      await first[Symbol.asyncDispose]();
      await using _second = await storage.acquire('engine-b', 1, 0);
      const late = commitOf({ writer: 2, epoch: first.epoch, seq: 1, twins: [twinOf()] });
      await expect(storage.commit(late)).rejects.toMatchObject({ code: 'fenced' });
    });

    test('refuses a commit without any owner', async () => {
      await using subject = await open();
      const { storage } = subject;
      await expect(storage.commit(commitOf({}))).rejects.toMatchObject({ code: 'fenced' });
      expect(await storage.countTwins()).toBe(0);
    });

    test('applies a repeated seq once', async () => {
      await using subject = await open();
      const { storage } = subject;
      await using lease = await storage.acquire('engine-a', 1, 0);
      const commit = commitOf({ epoch: lease.epoch, twins: [twinOf()], journal: [journalOf()] });
      await storage.commit(commit);
      await storage.commit(commit);
      await storage.commit({ ...commit, twins: [twinOf({ name: 'changed' })] });
      expect((await storage.getTwin({ home: 'h', twin: 't' }))?.name).toBe('Thermostat');
      expect(await storage.readJournal({ home: 'h', twin: 't' }, 0, 10)).toHaveLength(1);
    });

    test('a lease that is disposed twice, or with its storage, is quiet', async () => {
      await using subject = await open();
      const lease = await subject.storage.acquire('engine-a', 1, 0);
      await lease[Symbol.asyncDispose]();
      await lease[Symbol.asyncDispose]();
      const again = await subject.storage.acquire('engine-a', 1, 0);
      let lost = 0;
      again.onLost(() => lost++);
      await again[Symbol.asyncDispose]();
      expect(lost).toBe(0);
    });
  });
}
