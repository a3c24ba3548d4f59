import { describe, expect, test } from 'vitest';
import type { IntentWrite } from '../../model/rows.ts';
import type { Storage } from '../port.ts';
import {
  alertOf,
  deadLetterOf,
  deliveryOf,
  homeOf,
  intentOf,
  journalOf,
  NOW,
  stateOf,
  twinOf,
} from './sample-rows.ts';
import { type OpenSubject, WRITERS, Writer } from './subject.ts';

const parkedIds = async (storage: Storage, after = 0) =>
  (await storage.listParked(after, 100)).map(({ row }) => row.id);

export function logContract(open: OpenSubject): void {
  describe('the log', () => {
    test('gives turns in a range of positions, in their order, with writer and position', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      // An event may be older than the one before
      const rows = [3, 1, 2].map((n) =>
        journalOf({ home: `h${n}`, receivedAt: NOW + n, desired: { n } }),
      );
      expect(await writer.write({ journal: rows })).toBe(3);
      expect(await writer.write({})).toBe(4);
      expect(await writer.write({ journal: [journalOf({ revision: 2 })] })).toBe(5);
      const of = (row: object, seq: number) => ({ ...row, writer: 0, seq });
      expect(await storage.readLog(0, 3)).toEqual(rows.map((row, at) => of(row, at + 1)));
      expect(await storage.readLog(2, 100)).toEqual([
        of(rows[2] ?? {}, 3),
        of(journalOf({ revision: 2 }), 5),
      ]);
      expect(await storage.readLog(5, 100)).toEqual([]);
    });

    test('gives the turns of one home in a range of positions, no more than are asked for', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const rows = ['h', 'other', 'h', 'h'].map((home, revision) => journalOf({ home, revision }));
      await writer.write({ journal: rows });
      const seqs = async (from: number, upTo: number, limit = 10) =>
        (await storage.readHomeLog('h', from, upTo, limit)).rows.map(({ seq }) => seq);
      expect(await seqs(0, 100)).toEqual([1, 3, 4]);
      expect(await seqs(1, 3)).toEqual([1, 3]);
      expect(await seqs(2, 100, 1)).toEqual([3]);
      expect((await storage.readHomeLog('h', 3, 3, 1)).rows).toEqual([
        { ...rows[2], writer: 0, seq: 3 },
      ]);
      expect(await storage.readHomeLog('nobody', 0, 100, 9)).toEqual({ rows: [], removedAt: 0 });
    });

    test('says up to where turns of a removed twin are missing in a home', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const homes = ['h', 'other'].map((id) => homeOf({ id }));
      await writer.write({ homes, twins: [twinOf(), twinOf({ twin: 'kept' })], seq: 70 });
      await storage.deleteTwin({ home: 'h', twin: 't' });
      await writer.write({ seq: 71 });
      const removedAt = async (home: string) =>
        (await storage.readHomeLog(home, 0, 100, 9)).removedAt;
      expect(await removedAt('h')).toBe(70);
      expect(await removedAt('other')).toBe(0);
      await storage.updateHome(homeOf({ id: 'h', name: 'New' }));
      await storage.deleteTwin({ home: 'h', twin: 'kept' });
      expect(await removedAt('h')).toBe(71);
    });

    test('gives a reader all turns whose commits were answered before it asked', async () => {
      await using subject = await open();
      const { storage } = subject;
      const lease = await storage.acquire('test', WRITERS, 0);
      let last = 0;
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, index) => {
          for (let revision = 0; revision < 10; revision++) {
            last++;
            const seq = last;
            const writer = new Writer(storage, lease.epoch, index);
            const journal = [journalOf({ home: `h${index}`, revision })];
            await storage.commit({ ...writer.next({ journal, seq }) });
            const found = (await storage.readLog(0, 1_000)).filter((row) => row.writer === index);
            expect(found.at(-1)).toMatchObject({ home: `h${index}`, revision, seq });
          }
        }),
      );
    });

    test('goes on where it ended, and keeps cursors: with a commit, and without', async () => {
      await using subject = await open();
      const { storage } = subject;
      const first = await storage.acquire('test', 2, 0);
      expect(first.writers).toEqual([0, 1].map((writer) => ({ writer, seq: 0, cursors: {} })));
      await new Writer(storage, first.epoch).write({ seq: 70, cursors: { mqtt: 7 } });
      await new Writer(storage, first.epoch, 1).write({ seq: 71 });
      await new Writer(storage, first.epoch).write({ seq: 72 });
      await storage.saveCursors(first.epoch, new Map([[1, { mqtt: 9, webhook: 2 }]]));
      await storage.saveCursors(first.epoch - 1, new Map([[1, { mqtt: 1 }]]));
      await first[Symbol.asyncDispose]();
      await using second = await storage.acquire('test', 3, 0);
      expect(second.writers).toEqual([
        { writer: 0, seq: 72, cursors: { mqtt: 7 } },
        { writer: 1, seq: 71, cursors: { mqtt: 9, webhook: 2 } },
        { writer: 2, seq: 72, cursors: {} },
      ]);
      await storage.saveCursors(second.epoch, new Map());
    });
  });

  describe('cursors', () => {
    const FIRST = { cursors: { mqtt: 70 }, seq: 80 };

    async function cursorsAfter(
      open: OpenSubject,
      work: (storage: Storage, writer: Writer) => Promise<unknown>,
    ) {
      await using subject = await open();
      const { storage } = subject;
      const lease = await storage.acquire('test', WRITERS, 0);
      await work(storage, new Writer(storage, lease.epoch));
      await lease[Symbol.asyncDispose]();
      await using next = await storage.acquire('test', WRITERS, 0);
      return next.writers[0]?.cursors;
    }

    test('stay where a commit has left them when an older save comes after it', async () => {
      const cursors = await cursorsAfter(open, async (storage, writer) => {
        await writer.write(FIRST);
        await storage.saveCursors(writer.epoch, new Map([[0, { mqtt: 60, webhook: 5 }]]));
      });
      expect(cursors).toEqual({ mqtt: 70, webhook: 5 });
    });

    test('stay where a save has left them when an older commit comes after it', async () => {
      const cursors = await cursorsAfter(open, async (storage, writer) => {
        await storage.saveCursors(writer.epoch, new Map([[0, { mqtt: 90, webhook: 5 }]]));
        await writer.write(FIRST);
        await writer.write({ cursors: null, seq: 81 });
        await writer.write({ cursors: { "it's": 1 }, seq: 82 });
      });
      expect(cursors).toEqual({ mqtt: 90, webhook: 5, "it's": 1 });
    });

    test('of one destination are no other’s, and go on as far as there are positions', async () => {
      const last = Number.MAX_SAFE_INTEGER;
      const cursors = await cursorsAfter(open, async (storage, writer) => {
        await storage.saveCursors(writer.epoch, new Map([[0, { mqtt: 9, webhook: last - 1 }]]));
        await storage.saveCursors(writer.epoch, new Map([[0, { mqtt: 10, webhook: last }]]));
        await storage.saveCursors(writer.epoch, new Map([[0, {}]]));
      });
      expect(cursors).toEqual({ mqtt: 10, webhook: last });
    });
  });

  describe('parked deliveries', () => {
    test('are given in the order in which they were parked, from a place on', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.park(0, [deliveryOf({ id: 'z' }), deliveryOf({ id: 'a' })]);
      await storage.park(0, [deliveryOf({ id: 'm' })]);
      await storage.park(0, []);
      const [first, second] = await storage.listParked(0, 2);
      expect([first?.row.id, second?.row.id]).toEqual(['z', 'a']);
      expect(await parkedIds(storage, second?.place)).toEqual(['m']);
    });

    test('keep their place when they are put off', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.park(0, [deliveryOf(), deliveryOf({ id: 'other' })]);
      const later = deliveryOf({ attempts: 3, notBefore: NOW + 500.5 });
      await storage.park(0, [deliveryOf({ id: 'new' }), later]);
      expect((await storage.listParked(0, 9)).map(({ row }) => row)).toEqual([
        ...[later, deliveryOf({ id: 'other' }), deliveryOf({ id: 'new' })],
      ]);
    });

    test('end without a trace; a dead one leaves a letter, which revives it', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ homes: [homeOf()], twins: [twinOf()] });
      await storage.park(writer.epoch, [deliveryOf(), deliveryOf({ id: 'b' })]);
      const content = { type: 'delivery', outbox: deliveryOf() } as const;
      const letter = deadLetterOf({ code: 'delivery-failed', content });
      await storage.endDeliveries(writer.epoch, ['h/t@1#0', 'b', 'nobody'], [letter]);
      await storage.endDeliveries(writer.epoch, [], []);
      expect(await parkedIds(storage)).toEqual([]);
      expect(await storage.getDeadLetter('d1')).toEqual(letter);
      await storage.reviveDelivery('d1', deliveryOf({ attempts: 0, notBefore: NOW + 9 }));
      expect(await storage.getDeadLetter('d1')).toBeNull();
      expect((await storage.listParked(0, 10)).map(({ row }) => row)).toEqual([
        deliveryOf({ notBefore: NOW + 9 }),
      ]);
    });

    test('leave no letter where their twin has gone', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.park(0, [deliveryOf()]);
      const content = { type: 'delivery', outbox: deliveryOf() } as const;
      await storage.endDeliveries(0, ['h/t@1#0'], [deadLetterOf({ content })]);
      expect(await parkedIds(storage)).toEqual([]);
      expect(await storage.countDeadLetters()).toBe(0);
    });

    test('are listed of single twins, the first of each, in the order of their parking', async () => {
      await using subject = await open();
      const { storage } = subject;
      const rows = [
        ...['z', 'a', 'm'].map((id) => deliveryOf({ id })),
        deliveryOf({ id: 'other', twin: 'u' }),
        deliveryOf({ id: 'elsewhere', home: 'g' }),
        deliveryOf({ id: 'webhook', destination: 'elsewhere' }),
      ];
      await storage.park(0, rows);
      const { destination } = deliveryOf();
      const asked = [
        { home: 'h', twin: 't' },
        { home: 'h', twin: 'u' },
        { home: 'h', twin: 'nobody' },
      ];
      const found = await storage.listParkedOf(destination, asked, 2);
      expect(found.filter(({ twin }) => twin === 't')).toEqual([rows[0], rows[1]]);
      expect(found.filter(({ twin }) => twin !== 't')).toEqual([rows[3]]);
      expect(await storage.listParkedOf(destination, [], 2)).toEqual([]);
    });

    test('are withdrawn with a commit', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.park(
        0,
        ['old', 'kept'].map((id) => deliveryOf({ id })),
      );
      await (await Writer.of(storage)).write({ withdrawn: ['old', 'long-delivered'] });
      expect(await parkedIds(storage)).toEqual(['kept']);
    });

    test('take nothing from an engine whose claim another has taken', async () => {
      await using subject = await open();
      const { storage } = subject;
      const former = await storage.acquire('former', 1, 0);
      await storage.park(former.epoch, [deliveryOf({ id: 'kept' })]);
      await former[Symbol.asyncDispose]();
      const { epoch } = await storage.acquire('next', 1, 0);
      const late = deliveryOf({ id: 'late' });
      const letter = deadLetterOf({ content: { type: 'delivery', outbox: late } });
      const fenced = { code: 'fenced' };
      await expect(storage.park(former.epoch, [late])).rejects.toMatchObject(fenced);
      await expect(storage.endDeliveries(former.epoch, ['kept'], [])).rejects.toMatchObject(fenced);
      const dead = storage.endDeliveries(former.epoch, ['kept'], [letter]);
      await expect(dead).rejects.toMatchObject(fenced);
      expect(await parkedIds(storage)).toEqual(['kept']);
      expect(await storage.countDeadLetters()).toBe(0);
      await storage.endDeliveries(epoch, ['kept'], []);
      expect(await parkedIds(storage)).toEqual([]);
    });

    test('are counted, and since when', async () => {
      await using subject = await open();
      const { storage } = subject;
      expect(await storage.parkedStats()).toEqual({ depth: 0, oldestAt: null });
      await storage.park(0, [
        deliveryOf({ id: 'a', createdAt: NOW + 5 }),
        deliveryOf({ id: 'b', createdAt: NOW + 2 }),
      ]);
      expect(await storage.parkedStats()).toEqual({ depth: 2, oldestAt: NOW + 2 });
    });
  });

  describe('an intent', () => {
    test('that is open is read from its twin', async () => {
      await using subject = await open();
      const { storage } = subject;
      const pending = [
        {
          ...{ id: 'h/t@1#0', name: 'setpoint', args: { celsius: 21, text: 'NUL\0' } },
          ...{ status: 'acked' as const, createdAt: NOW, expiresAt: NOW + 1, ackedAt: NOW + 0.5 },
          ...{ cause: 'e', correlation: 'c', principal: 'p', tolerance: 0.01, met: [] },
        },
      ];
      const waiting = { state: stateOf({ pending }), wakeAt: NOW + 1 };
      await (await Writer.of(storage)).write({
        twins: [
          twinOf(waiting),
          twinOf({ ...waiting, twin: 'other' }),
          twinOf({ ...waiting, home: 'elsewhere' }),
          twinOf({ twin: 'quiet', wakeAt: NOW }),
        ],
      });
      expect(await storage.listOpenCommands('h', null)).toEqual([
        { home: 'h', twin: 'other', incarnation: 'i1', pending },
        { home: 'h', twin: 't', incarnation: 'i1', pending },
      ]);
      expect(await storage.listOpenCommands('h', 't')).toHaveLength(1);
      expect(await storage.listOpenCommands('h', 'quiet')).toEqual([]);
    });

    test('that has ended stays as its first end has left it', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ intents: [intentOf({ status: 'failed', error: 'stuck' })] });
      await writer.write({ intents: [intentOf({ status: 'expired' })] });
      expect(await storage.getEndedIntent('h', 'h/t@1#0')).toEqual({
        ...intentOf({ status: 'failed', error: 'stuck' }),
        ...{ sentAt: null, attempts: 0 },
      });
    });

    test('is listed newest first, by twin, status and cause, in pages', async () => {
      await using subject = await open();
      const { storage } = subject;
      const rows: Partial<IntentWrite>[] = [
        { id: 'a', createdAt: NOW },
        { id: 'b', createdAt: NOW + 1, twin: 'other' },
        { id: 'c', createdAt: NOW + 1, status: 'failed' },
        { id: 'd', createdAt: NOW + 2, cause: 'e9' },
        { id: 'e', createdAt: NOW + 3, home: 'h2' },
      ];
      await (await Writer.of(storage)).write({ intents: rows.map((row) => intentOf(row)) });
      const first = await storage.listEndedIntents('h', {}, { limit: 2 });
      const cursor = first.nextCursor ?? '';
      const rest = await storage.listEndedIntents('h', {}, { limit: 2, cursor });
      expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a']);
      expect(rest.nextCursor).toBeNull();
      const found = async (filter: Parameters<Storage['listEndedIntents']>[1]) =>
        (await storage.listEndedIntents('h', filter, { limit: 9 })).items.map(({ id }) => id);
      expect(await found({ twin: 'other' })).toEqual(['b']);
      expect(await found({ status: 'failed' })).toEqual(['c']);
      expect(await found({ cause: 'e9' })).toEqual(['d']);
      expect(await storage.getEndedIntent('h2', 'a')).toBeNull();
    });
  });

  describe('an alert', () => {
    test('is replaced as a whole and listed newest first', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        alerts: [
          alertOf({ id: 'a', data: null }),
          alertOf({ id: 'b', raisedAt: NOW + 1, twin: 'other' }),
          alertOf({ id: 'c', raisedAt: NOW + 1, home: 'h2' }),
        ],
      });
      const cleared = alertOf({
        ...{
          id: 'a',
          severity: 'critical',
          status: 'cleared',
          message: 'over',
          clearedAt: NOW + 3,
        },
        ...{ acknowledgedAt: NOW + 2, acknowledgedBy: 'ann' },
      });
      await writer.write({ alerts: [cleared] });
      expect(await storage.getAlert('h', 'a')).toEqual(cleared);
      expect(await storage.getAlert('h2', 'a')).toBeNull();
      const first = await storage.listAlerts('h', {}, { limit: 1 });
      const rest = await storage.listAlerts('h', {}, { limit: 1, cursor: first.nextCursor ?? '' });
      expect([...first.items, ...rest.items].map((alert) => alert.id)).toEqual(['b', 'a']);
      expect((await storage.listAlerts('h', { status: 'cleared' }, { limit: 9 })).items).toEqual([
        cleared,
      ]);
      expect((await storage.listAlerts('h', { twin: 'other' }, { limit: 9 })).items).toHaveLength(
        1,
      );
    });
  });
}
