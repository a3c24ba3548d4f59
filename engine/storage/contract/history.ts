import { describe, expect, test } from 'vitest';
import type { JournalRow } from '../../model/rows.ts';
import { MEASUREMENT_LIMIT } from '../../turn/rollups.ts';
import type { Range, Storage, TurnFilter, TurnKey } from '../port.ts';
import { bucketOf, checkpointOf, homeOf, journalOf, NOW, rollupOf, twinOf } from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

const ADDRESS = { home: 'h', twin: 't' };
const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;
const SPAN = { ...ADDRESS, measurement: 'temperature', from: NOW, to: NOW + HOUR };

export function historyContract(open: OpenSubject): void {
  describe('the journal', () => {
    test('reads newest first in pages, and oldest first for replay, across weeks', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const rows = Array.from({ length: 9 }, (_, revision) =>
        journalOf({ revision, receivedAt: NOW + revision * WEEK * 0.7, eventId: `e${revision}` }),
      );
      for (const row of rows) await writer.write({ journal: [row, { ...row, twin: 'neighbour' }] });
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await storage.listJournal(ADDRESS, { limit: 4, cursor });
        seen.push(...page.items.map((row) => row.revision));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
      expect(await storage.readJournal(ADDRESS, 3, 3)).toEqual(rows.slice(3, 6));
      expect(await storage.readJournal(ADDRESS, 9, 3)).toEqual([]);
      for (const cursor of ['x', Buffer.from('[1.5]').toString('base64url')]) {
        await expect(storage.listJournal(ADDRESS, { limit: 1, cursor })).rejects.toMatchObject({
          code: 'bad-input',
        });
      }
    });

    test('stays in the order of revisions when the clock jumps back', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const moments = [NOW, NOW - 3 * WEEK, NOW + WEEK, NOW - 1];
      for (const [revision, receivedAt] of moments.entries()) {
        await writer.write({ journal: [journalOf({ revision, receivedAt })] });
      }
      const rows = await storage.readJournal(ADDRESS, 0, 10);
      expect(rows.map((row) => row.receivedAt)).toEqual(moments);
    });

    test('carries causes and effects', async () => {
      await using subject = await open();
      const { storage } = subject;
      const row = journalOf({
        ...{ cause: 'e0', late: true, dedupe: false, state: { link: 'online' } },
        effects: [
          { id: 'h/t@1#0', type: 'command', name: 'setpoint', args: { celsius: 21 } },
          {
            id: 'h/t@1#1',
            type: 'tell',
            to: { relation: 'room' },
            event: { type: 'x', n: [1, null] },
          },
        ],
      });
      await (await Writer.of(storage)).write({ journal: [row] });
      expect(await storage.readJournal(ADDRESS, 0, 1)).toEqual([row]);
    });
  });

  describe('the journal of a home', () => {
    const at = (revision: number, parts: Partial<JournalRow>) =>
      journalOf({ revision, receivedAt: NOW + revision * WEEK * 0.3, ...parts });
    const rows = [
      at(0, { event: { type: 'twin.created' }, state: 'off' }),
      at(1, { twin: 'rule', principal: 'ada', event: { type: 'run' } }),
      at(2, { twin: 't', reported: { on: true } }),
      at(3, { twin: 'lamp', event: { type: "it's" } }),
      at(4, { twin: 't', principal: 'ada' }),
    ];
    const LAST: TurnKey = [Number.MAX_VALUE, '', -1];

    async function written(storage: Storage): Promise<void> {
      await (await Writer.of(storage)).write({
        homes: [homeOf()],
        twins: [
          twinOf({ twin: 't', kind: 'heater' }),
          twinOf({ twin: 'lamp', kind: 'lamp' }),
          twinOf({ twin: 'rule', kind: 'rule' }),
        ],
        journal: [...rows, at(2, { home: 'other' }), at(2, { home: 'other', twin: 'lamp' })],
      });
    }

    test('has what passes, newest first', async () => {
      await using subject = await open();
      const { storage } = subject;
      await written(storage);
      const read = (filter: TurnFilter, limit = 10) =>
        storage.listHomeTurns('h', -Number.MAX_VALUE, LAST, filter, limit);
      const of = (...revisions: number[]) => revisions.map((revision) => rows[revision]);
      expect(await read({})).toEqual(of(4, 3, 2, 1, 0));
      expect(await read({}, 2)).toEqual(of(4, 3));
      expect(await read({ kind: 'heater' })).toEqual(of(4, 2, 0));
      expect(await read({ kind: 'none' })).toEqual([]);
      expect(await read({ type: 'telemetry' })).toEqual(of(4, 2));
      expect(await read({ type: "it's" })).toEqual(of(3));
      expect(await read({ principal: 'ada' })).toEqual(of(4, 1));
      expect(await read({ changed: true })).toEqual(of(2, 0));
      expect(await read({ exceptKinds: ['rule', 'lamp'] })).toEqual(of(4, 2, 0));
      expect(await read({ principal: 'ada', exceptKinds: ['rule'] })).toEqual(of(4));
    });

    test('is read from a moment to a key', async () => {
      await using subject = await open();
      const { storage } = subject;
      await written(storage);
      const moment = (revision: number) => rows[revision]?.receivedAt ?? 0;
      const read = (from: number, before: TurnKey) =>
        storage.listHomeTurns('h', from, before, {}, 10);
      expect(await read(moment(1), [moment(3), 'lamp', 3])).toEqual([rows[2], rows[1]]);
      expect(await read(moment(1), [moment(3), '', -1])).toEqual([rows[2], rows[1]]);
      expect(await read(moment(3), [moment(3), 'lamp', 4])).toEqual([rows[3]]);
      expect(await storage.momentBefore('h', moment(4), 0)).toBe(moment(3));
      expect(await storage.momentBefore('h', moment(4), 3)).toBe(moment(0));
      expect(await storage.momentBefore('h', moment(4), 4)).toBeNull();
      expect(await storage.momentBefore('none', Number.MAX_VALUE, 0)).toBeNull();
    });

    test('orders turns of one moment by twin and revision', async () => {
      await using subject = await open();
      const { storage } = subject;
      const keys = [
        ['b', 1],
        ['a', 10],
        ['a', 9],
        ['b', 0],
      ] as const;
      await (await Writer.of(storage)).write({
        journal: keys.map(([twin, revision]) => journalOf({ twin, revision })),
      });
      const seen: unknown[] = [];
      for (let before: TurnKey = LAST; ; ) {
        const [row] = await storage.listHomeTurns('h', 0, before, {}, 1);
        if (!row) break;
        seen.push([row.twin, row.revision]);
        before = [row.receivedAt, row.twin, row.revision];
      }
      expect(seen).toEqual([
        ['b', 1],
        ['b', 0],
        ['a', 10],
        ['a', 9],
      ]);
    });

    test('has the turns of one twin by their revisions', async () => {
      await using subject = await open();
      const { storage } = subject;
      await written(storage);
      const read = (range: Range, filter: TurnFilter, limit = 10) =>
        storage.listTurns(ADDRESS, range, filter, limit);
      const all = { from: 0, to: 9 };
      expect(await read(all, {})).toEqual([rows[4], rows[2], rows[0]]);
      expect(await read(all, {}, 2)).toEqual([rows[4], rows[2]]);
      expect(await read({ from: 2, to: 4 }, {})).toEqual([rows[2]]);
      expect(await read(all, { changed: true })).toEqual([rows[2], rows[0]]);
      expect(await read(all, { type: 'telemetry', principal: 'ada' })).toEqual([rows[4]]);
      expect(await read(all, { kind: 'lamp' })).toEqual([]);
      expect(await read(all, { exceptKinds: ['heater'] })).toEqual([]);
    });
  });

  describe('changes', () => {
    test('are the turns that changed the state or a label, oldest first', async () => {
      await using subject = await open();
      const { storage } = subject;
      const made = (revision: number, parts: Partial<JournalRow>) =>
        journalOf({ revision, receivedAt: NOW + revision * WEEK, ...parts });
      const rows = [
        made(0, { state: 'off', reported: { on: null } }),
        made(1, {}),
        made(2, { reported: { on: true, "it's": 'a\u0000b', ['__proto__']: false } }),
        made(3, { state: { link: 'online' } }),
        made(4, {}),
        made(5, { state: 'off' }),
      ];
      await (await Writer.of(storage)).write({
        journal: [...rows, journalOf({ twin: 'neighbour', revision: 3, state: 'x' })],
      });
      const changeOf = ({ revision, at, receivedAt, state, reported }: JournalRow) => ({
        ...{ revision, at, receivedAt, state, reported },
      });
      const of = (...revisions: number[]) =>
        revisions.map((at) => changeOf(rows[at] as JournalRow));
      expect(await storage.readChanges(ADDRESS, 0, 10)).toEqual(of(0, 2, 3, 5));
      expect(await storage.readChanges(ADDRESS, 1, 2)).toEqual(of(2, 3));
      expect(await storage.readChanges(ADDRESS, 6, 2)).toEqual([]);
    });

    test('have labels since the beginning of a new database', async () => {
      await using subject = await open();
      expect(await subject.storage.labelsSince()).toBe(0);
    });
  });

  describe('rollups', () => {
    test('of one bucket merge', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ rollups: [rollupOf()] });
      const later = { count: 1, sum: 30, min: 30, max: 30, last: 30, lastAt: NOW + 90_000 };
      await writer.write({ rollups: [rollupOf(later)] });
      const earlier = { count: 3, sum: 45, min: 10, max: 20, last: 15, lastAt: NOW + 1 };
      await writer.write({ rollups: [rollupOf(earlier), rollupOf({ resolution: '1h' })] });
      expect(await storage.listRollups(SPAN, '5m', 10)).toEqual([
        bucketOf({ count: 6, sum: 116.5, min: 10, max: 30, last: 30, lastAt: NOW + 90_000 }),
      ]);
      expect(await storage.listRollups(SPAN, '1h', 10)).toEqual([bucketOf()]);
    });

    test('add up the largest samples as often as can be counted', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const count = 2 ** 52;
      for (const sample of [MEASUREMENT_LIMIT, -MEASUREMENT_LIMIT]) {
        const measurement = `${sample}`;
        const most = rollupOf({ measurement, count, sum: count * sample });
        for (let round = 0; round < 2; round++) await writer.write({ rollups: [most] });
        const [stored] = await storage.listRollups({ ...SPAN, measurement }, '5m', 1);
        expect(stored).toMatchObject({ count: 2 ** 53, sum: 2 ** 53 * sample });
      }
    });

    test('are those that start in the span, oldest first', async () => {
      await using subject = await open();
      const { storage } = subject;
      const starts = [NOW + HOUR, NOW - 300_000, NOW + 300_000, NOW];
      await (await Writer.of(storage)).write({
        rollups: [
          ...starts.map((start) => rollupOf({ start })),
          rollupOf({ measurement: 'humidity' }),
          rollupOf({ twin: 'neighbour' }),
        ],
      });
      const startsOf = async (limit: number) =>
        (await storage.listRollups(SPAN, '5m', limit)).map((bucket) => bucket.start);
      expect(await startsOf(10)).toEqual([NOW, NOW + 300_000]);
      expect(await startsOf(1)).toEqual([NOW]);
    });
  });

  describe('checkpoints', () => {
    test('give the latest before a moment', async () => {
      await using subject = await open();
      const { storage } = subject;
      const early = checkpointOf({ revision: 9, at: NOW });
      const late = checkpointOf({ revision: 10, at: NOW + HOUR });
      await (await Writer.of(storage)).write({ checkpoints: [early, late] });
      expect(await storage.checkpointBefore(ADDRESS, NOW - 1)).toBeNull();
      expect(await storage.checkpointBefore(ADDRESS, NOW)).toEqual(early);
      expect(await storage.checkpointBefore(ADDRESS, NOW + HOUR)).toEqual(late);
      expect(await storage.checkpointBefore({ home: 'h', twin: 'x' }, NOW)).toBeNull();
    });

    test('give the latest revision', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        checkpoints: [checkpointOf({ revision: 9 }), checkpointOf({ revision: 10 })],
      });
      await writer.write({ checkpoints: [checkpointOf({ revision: 2 })] });
      expect(await storage.latestCheckpoint(ADDRESS)).toEqual(checkpointOf({ revision: 10 }));
      expect((await storage.latestCheckpoint(ADDRESS, 10))?.revision).toBe(10);
      expect((await storage.latestCheckpoint(ADDRESS, 9))?.revision).not.toBe(10);
      expect(await storage.latestCheckpoint(ADDRESS, -1)).toBeNull();
      expect(await storage.latestCheckpoint({ home: 'h', twin: 'x' })).toBeNull();
    });
  });
}
