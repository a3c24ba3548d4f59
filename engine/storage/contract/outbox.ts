import { describe, expect, test } from 'vitest';
import type { IntentStatus, IntentWrite } from '../../rows.ts';
import type { Storage } from '../port.ts';
import { alertOf, deadLetterOf, intentOf, NOW, outboxOf } from './sample-rows.ts';
import { type OpenSubject, WRITERS, Writer } from './subject.ts';

const idsOf = async (storage: Storage, after = 0) =>
  (await storage.pendingDeliveries(after, 100)).map(({ row }) => row.id);

export function outboxContract(open: OpenSubject): void {
  describe('the outbox', () => {
    test('gives deliveries in the order of their commits, from a position on', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ outbox: [outboxOf({ id: 'z' }), outboxOf({ id: 'a' })] });
      await writer.write({ outbox: [outboxOf({ id: 'm' })] });
      const [first, second] = await storage.pendingDeliveries(0, 2);
      expect([first?.row.id, second?.row.id]).toEqual(['z', 'a']);
      expect(await idsOf(storage, second?.position)).toEqual(['m']);
      await storage.settle(['z', 'a', 'm'].map((id) => ({ id, outcome: 'dropped' })));
      await writer.write({ outbox: [outboxOf({ id: 'n' })] });
      const [next] = await storage.pendingDeliveries(0, 1);
      expect(next?.position).toBeGreaterThan(second?.position ?? 0);
    });

    test('gives a reader all deliveries whose commits were answered before it asked', async () => {
      await using subject = await open();
      const { storage } = subject;
      const lease = await storage.acquire('test', WRITERS, 0);
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, index) => {
          const writer = new Writer(storage, lease.epoch, index);
          for (let n = 0; n < 10; n++) {
            const id = `${index}/${n}`;
            await writer.write({ outbox: [outboxOf({ id, home: `h${index}` })] });
            expect(await idsOf(storage)).toContain(id);
          }
        }),
      );
    });

    test('marks what was delivered, and forgets it', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({ outbox: [outboxOf()], intents: [intentOf()] });
      await storage.settle([{ id: 'h/t@1#0', outcome: 'delivered', at: NOW + 7, attempts: 2 }]);
      expect(await idsOf(storage)).toEqual([]);
      expect(await storage.getIntent('h', 'h/t@1#0')).toMatchObject({
        ...{ status: 'sent', sentAt: NOW + 7, attempts: 2 },
      });
      await storage.settle([]);
      await storage.settle([{ id: 'nobody', outcome: 'delivered', at: NOW, attempts: 1 }]);
    });

    test('does not hide an ack that came before the delivery settled', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ outbox: [outboxOf()], intents: [intentOf()] });
      await writer.write({ intents: [intentOf({ status: 'acked', ackedAt: NOW + 3 })] });
      await storage.settle([{ id: 'h/t@1#0', outcome: 'delivered', at: NOW + 7, attempts: 1 }]);
      expect(await storage.getIntent('h', 'h/t@1#0')).toMatchObject({
        ...{ status: 'acked', ackedAt: NOW + 3, sentAt: NOW + 7, attempts: 1 },
      });
    });

    test('puts a delivery off without changing its place', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        outbox: [outboxOf(), outboxOf({ id: 'other' })],
        intents: [intentOf()],
      });
      await storage.postpone([{ id: 'h/t@1#0', attempts: 3, notBefore: NOW + 500.5 }]);
      await storage.postpone([]);
      const [first] = await storage.pendingDeliveries(0, 10);
      expect(first?.row).toEqual(outboxOf({ attempts: 3, notBefore: NOW + 500.5 }));
      expect(await storage.getIntent('h', 'h/t@1#0')).toMatchObject({
        status: 'pending',
        attempts: 3,
      });
    });

    test('keeps a dead delivery as a dead letter, which revives it', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({ outbox: [outboxOf(), outboxOf({ id: 'b' })] });
      const content = { type: 'delivery', outbox: outboxOf() } as const;
      const letter = deadLetterOf({ code: 'delivery-failed', content });
      await storage.settle([
        { id: 'h/t@1#0', outcome: 'dead', letter },
        { id: 'b', outcome: 'delivered', at: NOW, attempts: 1 },
      ]);
      expect(await idsOf(storage)).toEqual([]);
      expect(await storage.getDeadLetter('d1')).toEqual(letter);
      await storage.reviveDelivery('d1', outboxOf({ attempts: 0, notBefore: NOW + 9 }));
      expect(await storage.getDeadLetter('d1')).toBeNull();
      expect((await storage.pendingDeliveries(0, 10)).map(({ row }) => row)).toEqual([
        outboxOf({ notBefore: NOW + 9 }),
      ]);
    });

    test('withdraws deliveries, also of the same batch', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ outbox: [outboxOf({ id: 'old' }), outboxOf({ id: 'kept' })] });
      await writer.write({
        outbox: [outboxOf({ id: 'short-lived' }), outboxOf({ id: 'new' })],
        withdrawn: ['old', 'short-lived', 'long-delivered'],
      });
      expect(await idsOf(storage)).toEqual(['kept', 'new']);
    });

    test('counts what waits, and since when', async () => {
      await using subject = await open();
      const { storage } = subject;
      expect(await storage.outboxStats()).toEqual({ depth: 0, oldestAt: null });
      await (await Writer.of(storage)).write({
        outbox: [
          outboxOf({ id: 'a', createdAt: NOW + 5 }),
          outboxOf({ id: 'b', createdAt: NOW + 2 }),
        ],
      });
      expect(await storage.outboxStats()).toEqual({ depth: 2, oldestAt: NOW + 2 });
    });
  });

  describe('an intent', () => {
    test.each<[IntentStatus, IntentStatus, IntentStatus]>([
      ['pending', 'acked', 'acked'],
      ['acked', 'pending', 'acked'],
      ['confirmed', 'acked', 'confirmed'],
      ['expired', 'pending', 'expired'],
      ['pending', 'superseded', 'superseded'],
      ['acked', 'failed', 'failed'],
    ])('that is %s and written as %s is %s', async (stored, written, expected) => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ intents: [intentOf({ status: stored })] });
      await writer.write({ intents: [intentOf({ status: written })] });
      expect((await storage.getIntent('h', 'h/t@1#0'))?.status).toBe(expected);
    });

    test('keeps what the outbox wrote when a turn writes it again', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ intents: [intentOf()] });
      await storage.settle([{ id: 'h/t@1#0', outcome: 'delivered', at: NOW + 7, attempts: 2 }]);
      await writer.write({ intents: [intentOf()] });
      expect(await storage.getIntent('h', 'h/t@1#0')).toMatchObject({
        ...{ status: 'sent', sentAt: NOW + 7, attempts: 2 },
      });
      const end = {
        status: 'confirmed',
        ackedAt: NOW + 8,
        confirmedAt: NOW + 9,
        endedAt: NOW + 9,
      } as const;
      await writer.write({ intents: [intentOf({ ...end, error: 'none' })] });
      expect(await storage.getIntent('h', 'h/t@1#0')).toEqual({
        ...{ ...intentOf({ ...end, error: 'none' }), sentAt: NOW + 7, attempts: 2 },
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
      const first = await storage.listIntents('h', {}, { limit: 2 });
      const rest = await storage.listIntents('h', {}, { limit: 2, cursor: first.nextCursor ?? '' });
      expect([...first.items, ...rest.items].map((intent) => intent.id)).toEqual([
        'd',
        'c',
        'b',
        'a',
      ]);
      expect(rest.nextCursor).toBeNull();
      const found = async (filter: Parameters<Storage['listIntents']>[1]) =>
        (await storage.listIntents('h', filter, { limit: 9 })).items.map((intent) => intent.id);
      expect(await found({ twin: 'other' })).toEqual(['b']);
      expect(await found({ status: 'failed' })).toEqual(['c']);
      expect(await found({ cause: 'e9' })).toEqual(['d']);
      expect(await storage.getIntent('h2', 'a')).toBeNull();
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
