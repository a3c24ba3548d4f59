import { describe, expect, test } from 'vitest';
import type { Retention } from '../port.ts';
import {
  alertOf,
  checkpointOf,
  intentOf,
  journalOf,
  NOW,
  rollupOf,
  stateOf,
  twinOf,
} from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
const ADDRESS = { home: 'h', twin: 't' };
const KEEP_ALL: Retention = {
  ...{ now: NOW, journalBefore: 0, rollupsBefore: 0, endedBefore: 0 },
  readUpTo: Number.MAX_SAFE_INTEGER,
};

export function upkeepContract(open: OpenSubject): void {
  describe('upkeep', () => {
    test('keeps what readers of the log have not come to', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const week = (n: number) => NOW + n * WEEK;
      const seqs: number[] = [];
      for (const n of [0, 1, 2]) {
        const journal = [journalOf({ revision: n, receivedAt: week(n) })];
        seqs.push(await writer.write({ journal, ...(n === 0 && { twins: [twinOf()] }) }));
      }
      const retention = { ...KEEP_ALL, now: week(5), journalBefore: week(4) };
      const left = async () => (await storage.readLog(0, 100)).map(({ seq }) => seq);
      await storage.maintain({ ...retention, readUpTo: seqs[0] ?? 0 });
      expect(await left()).toEqual(seqs.slice(1));
      await storage.maintain({ ...retention, readUpTo: seqs[2] ?? 0 });
      expect(await left()).toEqual([]);
    });

    test('runs on an empty database, twice, and commits go on', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.ping();
      await storage.maintain(KEEP_ALL);
      await storage.maintain({ ...KEEP_ALL, now: NOW + WEEK });
      await (await Writer.of(storage)).write({
        journal: [-1, 0, 1, 5, 30].map((week) =>
          journalOf({ revision: week + 1, receivedAt: NOW + week * WEEK }),
        ),
      });
      expect(await storage.readJournal(ADDRESS, 0, 10)).toHaveLength(5);
    });

    test('keeps the newest starts in their order, and which of them ended', async () => {
      await using subject = await open();
      const { storage } = subject;
      expect(await storage.beginStart('first', NOW)).toEqual([]);
      await storage.endStart('first');
      // Whatever the wall clock says
      await storage.beginStart('second', NOW - WEEK);
      expect(await storage.beginStart('third', NOW + 0.5)).toEqual([
        { id: 'second', at: NOW - WEEK, ended: false },
        { id: 'first', at: NOW, ended: true },
      ]);
      for (let more = 0; more < 30; more++) await storage.beginStart(`more-${more}`, NOW);
      const kept = await storage.beginStart('last', NOW);
      expect(kept).toHaveLength(20);
      expect(kept[0]).toEqual({ id: 'more-29', at: NOW, ended: false });
    });

    test('drops old journal and leaves a checkpoint that replay can begin from', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const at = (week: number) => NOW + week * WEEK;
      const journalUpTo = (twin: string, weeks: number[]) =>
        weeks.map((week, revision) =>
          journalOf({ twin, revision, at: at(week), receivedAt: at(week) }),
        );
      await writer.write({
        twins: [
          // silent since its old rows
          twinOf({
            twin: 'silent',
            revision: 2,
            updatedAt: at(2),
            state: stateOf({ value: 'asleep' }),
          }),
          // went on, with a checkpoint among the kept rows
          twinOf({ twin: 'checkpointed', revision: 4, updatedAt: at(9) }),
          // went on, with a checkpoint that is too old
          twinOf({ twin: 'behind', revision: 4, updatedAt: at(9), version: 7 }),
          twinOf({ twin: 'young', revision: 0, updatedAt: at(9) }),
        ],
        journal: [
          ...journalUpTo('silent', [0, 1, 2]),
          ...journalUpTo('checkpointed', [0, 1, 2, 8, 9]),
          ...journalUpTo('behind', [0, 1, 2, 8, 9]),
          ...journalUpTo('young', [9]),
          ...journalUpTo('deleted', [0]),
        ],
        checkpoints: [
          checkpointOf({ twin: 'checkpointed', revision: 3, at: at(8) }),
          checkpointOf({ twin: 'behind', revision: 1, at: at(1) }),
        ],
      });
      await storage.maintain({ ...KEEP_ALL, now: at(9), journalBefore: at(5) });

      const left = async (twin: string) =>
        (await storage.readJournal({ home: 'h', twin }, 0, 100)).map((row) => row.revision);
      expect(await left('silent')).toEqual([]);
      expect(await left('checkpointed')).toEqual([3, 4]);
      expect(await left('behind')).toEqual([3, 4]);
      expect(await left('young')).toEqual([0]);
      expect(await left('deleted')).toEqual([]);
      expect(await storage.latestCheckpoint({ home: 'h', twin: 'silent' })).toEqual(
        checkpointOf({
          twin: 'silent',
          revision: 2,
          at: at(2),
          state: stateOf({ value: 'asleep' }),
        }),
      );
      expect((await storage.latestCheckpoint({ home: 'h', twin: 'checkpointed' }))?.revision).toBe(
        3,
      );
      expect(await storage.latestCheckpoint({ home: 'h', twin: 'behind' })).toMatchObject({
        ...{ revision: 4, version: 7 },
      });
      expect(await storage.latestCheckpoint({ home: 'h', twin: 'young' })).toBeNull();
    });

    test('drops more rows than it takes in one go', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        twins: [twinOf({ revision: 2_500 })],
        journal: Array.from({ length: 2_501 }, (_, revision) => journalOf({ revision })),
      });
      await storage.maintain({ ...KEEP_ALL, now: NOW + 5 * WEEK, journalBefore: NOW + 4 * WEEK });
      expect(await storage.readJournal(ADDRESS, 0, 10)).toEqual([]);
      expect((await storage.latestCheckpoint(ADDRESS))?.revision).toBe(2_500);
    });

    test('forgets superseded checkpoints, never the latest', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        twins: [twinOf({ revision: 9 })],
        checkpoints: [
          checkpointOf({ revision: 1, at: NOW }),
          checkpointOf({ revision: 2, at: NOW + 1 }),
          checkpointOf({ twin: 'old', revision: 1, at: NOW }),
        ],
      });
      await storage.maintain({ ...KEEP_ALL, now: NOW + WEEK, journalBefore: NOW + DAY });
      expect((await storage.latestCheckpoint(ADDRESS))?.revision).toBe(2);
      expect((await storage.latestCheckpoint({ home: 'h', twin: 'old' }))?.revision).toBe(1);
    });

    test('forgets old fine rollups and ended intents and alerts, and keeps the rest', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        rollups: [
          rollupOf(),
          rollupOf({ start: NOW + DAY }),
          rollupOf({ resolution: '1h' }),
          rollupOf({ resolution: '1d' }),
        ],
        intents: [
          intentOf({ id: 'ended', status: 'confirmed', endedAt: NOW }),
          intentOf({ id: 'just', status: 'failed', endedAt: NOW + DAY }),
        ],
        alerts: [
          alertOf({ id: 'raised' }),
          alertOf({ id: 'acknowledged', status: 'acknowledged', acknowledgedAt: NOW }),
          alertOf({ id: 'cleared', status: 'cleared', clearedAt: NOW }),
        ],
      });
      const before = NOW + DAY;
      await storage.maintain({
        ...KEEP_ALL,
        now: NOW + DAY,
        rollupsBefore: before,
        endedBefore: before,
      });
      const span = { ...ADDRESS, measurement: 'temperature', from: 0, to: NOW * 2 };
      const startsOf = async (resolution: '5m' | '1h' | '1d') =>
        (await storage.listRollups(span, resolution, 9)).map((bucket) => bucket.start);
      expect(await startsOf('5m')).toEqual([NOW + DAY]);
      expect(await startsOf('1h')).toEqual([NOW]);
      expect(await startsOf('1d')).toEqual([NOW]);
      const intents = (await storage.listEndedIntents('h', {}, { limit: 9 })).items.map(
        (row) => row.id,
      );
      expect(intents).toEqual(['just']);
      const alerts = (await storage.listAlerts('h', {}, { limit: 9 })).items.map((row) => row.id);
      expect(alerts.sort()).toEqual(['acknowledged', 'raised']);
    });
  });
}
