import { describe, expect, test } from 'vitest';
import { ManualClock } from '../model/manual-clock.ts';
import type { DeliveryRow } from '../model/rows.ts';
import { EngineTelemetry } from '../model/telemetry.ts';
import { deliveryOf } from '../storage/contract/sample-rows.ts';
import { DeliveryQueue, type LogDelivery } from './delivery-queue.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';

const DELIVERED: DeliveryOutcome = { status: 'delivered' };
const RETRY: DeliveryOutcome = { status: 'retry', error: 'not connected' };
const DESTINATION = deliveryOf().destination;
const WRITER = 3;

/** A queue between a log that holds some deliveries and a destination that answers as a test says. */
class DeliveryQueueBench {
  readonly clock = new ManualClock();
  readonly delivered: string[] = [];
  readonly dropped: string[] = [];
  reads = 0;
  /** What a row's delivery comes to. */
  answer: (row: DeliveryRow) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DELIVERED;
  /** Happens while the log is being read. */
  whileReading: () => void = () => {};
  readonly log: LogDelivery[] = [];
  readonly parked = new Map<string, DeliveryRow>();
  #queue: DeliveryQueue | null = null;

  /** Begins when it is first asked for: what was stored before lies behind it. */
  get queue(): DeliveryQueue {
    this.#queue ??= new DeliveryQueue(DESTINATION, new Map([[WRITER, 0]]), {
      storage: {
        park: async (rows) => {
          for (const row of rows) this.parked.set(row.id, row);
        },
        endDeliveries: async (ids) => {
          for (const id of ids) this.parked.delete(id);
        },
      },
      source: {
        heads: () => new Map([[WRITER, this.log.length]]),
        read: async (_, after, upTo) => {
          this.reads++;
          const range = this.log.slice(after, upTo);
          this.whileReading();
          return range.map(({ row, position }) => ({ position, rows: [row] }));
        },
        parked: async (_, after) => {
          const rows = [...this.parked.values()].slice(after, after + 1_000);
          return { rows, over: [], next: rows.length < 1_000 ? null : after + 1_000 };
        },
      },
      clock: this.clock,
      telemetry: new EngineTelemetry(),
      random: () => 0.5,
      newId: () => 'letter',
      onSending: () => {},
      onUnsent: () => {},
      onDropped: ({ id }) => this.dropped.push(id),
      onSent: () => {},
      onDead: () => {},
    });
    return this.#queue;
  }

  /** As commits do that it is not told of. */
  store(...rows: DeliveryRow[]): void {
    for (const row of rows) {
      this.log.push({ row, position: { writer: WRITER, seq: this.log.length + 1 } });
    }
  }

  /** As a commit does that brings them. */
  commit(...rows: DeliveryRow[]): void {
    this.store(...rows);
    const seq = this.log.length;
    this.queue.add({ writer: WRITER, seq, deliveries: this.log.slice(seq - rows.length) });
  }

  async add(...rows: DeliveryRow[]): Promise<void> {
    this.commit(...rows);
    this.queue.kick();
    await this.queue.idle();
  }

  async attach(pace?: Sink['pace']): Promise<void> {
    this.queue.attach({
      name: DESTINATION,
      ...(pace && { pace }),
      takes: ['command'],
      deliver: (rows) =>
        Promise.all(
          rows.map(async (row) => {
            const outcome = await this.answer(row);
            if (outcome.status === 'delivered') this.delivered.push(row.id);
            return outcome;
          }),
        ),
    });
    await this.queue.idle();
  }
}

const rowOf = (id: string, twin = 't') => deliveryOf({ id, twin, expiresAt: null });

describe('a queue', () => {
  test('keeps the order of a twin whose second command fails while a third comes', async () => {
    const bench = new DeliveryQueueBench();
    bench.store(rowOf('1'), rowOf('2'));
    let fail = () => {};
    const failing = new Promise<DeliveryOutcome>((resolve) => {
      fail = () => resolve(RETRY);
    });
    bench.answer = () => failing;
    const attached = bench.attach();
    while (bench.reads === 0) await new Promise((go) => setImmediate(go));
    const added = bench.add(rowOf('3'));
    fail();
    await Promise.all([attached, added]);
    bench.answer = () => DELIVERED;
    bench.queue.wake();
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['1', '2', '3']);
  });

  test('says what is through of what was before it, once it has seen all of that', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = ({ id }) => (id === 'kept' ? RETRY : DELIVERED);
    bench.store(rowOf('gone'), rowOf('kept', 'away'), { ...rowOf('late'), expiresAt: 1 });
    expect(bench.queue.isThrough('gone')).toBe(false);
    await bench.attach();
    expect(bench.queue.isThrough('gone')).toBe(true);
    expect(bench.queue.isThrough('kept')).toBe(false);
    expect(bench.dropped).toEqual(['late']);
    bench.answer = () => DELIVERED;
    bench.queue.wake();
    await bench.queue.idle();
    expect(bench.queue.isThrough('kept')).toBe(true);
  });

  test('delivers to who is there past any number of absent twins, and does not read the store in vain', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = ({ twin }) => (twin === 'here' ? DELIVERED : RETRY);
    bench.store(...Array.from({ length: 12_000 }, (_, n) => rowOf(`absent-${n}`, `absent-${n}`)));
    bench.store(rowOf('stored', 'here'));
    await bench.attach();
    await bench.add(rowOf('new', 'here'));
    expect(bench.delivered).toEqual(['stored', 'new']);
    expect(bench.reads).toBeLessThan(100);
    expect(bench.queue.waiting).toBe(12_000);
  });

  test('delivers at the pace of its destination, and the rows of one twin one after the other', async () => {
    const bench = new DeliveryQueueBench();
    const underway = new Set<string>();
    let most = 0;
    bench.answer = async ({ twin }) => {
      expect(underway).not.toContain(twin);
      underway.add(twin);
      most = Math.max(most, underway.size);
      await new Promise((go) => setImmediate(go));
      underway.delete(twin);
      return DELIVERED;
    };
    bench.store(...Array.from({ length: 60 }, (_, n) => rowOf(`${n}`, `t${n % 20}`)));
    await bench.attach({ atOnce: 8, rows: 1 });
    expect(bench.delivered).toHaveLength(60);
    expect(most).toBe(8);
    const ofOne = bench.delivered.filter((id) => Number(id) % 20 === 7);
    expect(ofOne).toEqual(['7', '27', '47']);
  });

  test('leaves a twin’s destination alone for as long as that has asked', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => ({ ...RETRY, afterMs: 120_000 });
    await bench.attach();
    await bench.add(rowOf('1'));
    bench.answer = () => DELIVERED;
    bench.clock.advance(119_000);
    await bench.queue.idle();
    expect(bench.delivered).toEqual([]);
    bench.clock.advance(1_000);
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['1']);
  });

  test('has room for no more than it says, and reads on when some have left', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => RETRY;
    bench.store(...Array.from({ length: 50_100 }, (_, n) => rowOf(`${n}`, `t${n}`)));
    await bench.attach();
    expect(bench.queue.waiting).toBe(50_000);
    const { reads } = bench;
    await bench.add(rowOf('late', 'late'));
    expect(bench.reads).toBe(reads);
    bench.answer = () => DELIVERED;
    bench.queue.wake();
    await bench.queue.idle();
    expect(bench.delivered).toHaveLength(50_101);
    expect(bench.parked.size).toBe(0);
    expect(bench.queue.cursor(WRITER)).toBe(50_101);
  });

  test('does not deliver what was withdrawn, or whose twin was deleted, while it was being read', async () => {
    const bench = new DeliveryQueueBench();
    bench.store(rowOf('withdrawn'), rowOf('deleted', 'gone'), rowOf('left'));
    bench.whileReading = () => {
      bench.commit(rowOf('came'));
      bench.queue.withdraw(['withdrawn', 'came']);
      bench.queue.forget({ home: rowOf('').home, twin: 'gone' });
      bench.whileReading = () => {};
    };
    await bench.attach();
    expect(bench.delivered).toEqual(['left']);
  });

  test('parks nothing of a twin that was deleted while it was being told something', async () => {
    const bench = new DeliveryQueueBench();
    let fail = () => {};
    bench.answer = () =>
      new Promise((resolve) => {
        fail = () => resolve(RETRY);
      });
    const attached = bench.attach();
    bench.commit(rowOf('1', 'gone'));
    bench.queue.kick();
    while (bench.queue.cursor(WRITER) > 0 || bench.queue.isIdle) {
      await new Promise((go) => setImmediate(go));
    }
    await new Promise((go) => setImmediate(go));
    bench.queue.forget({ home: rowOf('').home, twin: 'gone' });
    fail();
    await attached;
    await bench.queue.idle();
    expect(bench.parked.size).toBe(0);
    expect(bench.queue.waiting).toBe(0);
    expect(bench.queue.cursor(WRITER)).toBe(1);
  });

  describe('has a cursor that', () => {
    test('passes what is delivered, in whichever order that happens', async () => {
      const bench = new DeliveryQueueBench();
      const ends = new Map<string, () => void>();
      bench.answer = ({ id }) => new Promise((resolve) => ends.set(id, () => resolve(DELIVERED)));
      const attached = bench.attach({ atOnce: 3, rows: 1 });
      bench.commit(rowOf('1', 'a'), rowOf('2', 'b'), rowOf('3', 'c'));
      bench.queue.kick();
      const cursors: number[] = [];
      for (const id of ['3', '1', '2']) {
        while (!ends.has(id)) await new Promise((go) => setImmediate(go));
        ends.get(id)?.();
        while (!bench.delivered.includes(id)) await new Promise((go) => setImmediate(go));
        await new Promise((go) => setImmediate(go));
        cursors.push(bench.queue.cursor(WRITER));
      }
      await attached;
      expect(cursors).toEqual([0, 1, 3]);
    });

    test('passes what is parked, and what comes behind it for the same twin', async () => {
      const bench = new DeliveryQueueBench();
      bench.answer = ({ twin }) => (twin === 'gone' ? RETRY : DELIVERED);
      await bench.attach();
      await bench.add(rowOf('1', 'gone'), rowOf('2', 'here'), rowOf('3', 'gone'));
      await bench.add(rowOf('4', 'gone'));
      expect([...bench.parked.keys()]).toEqual(['1', '3', '4']);
      expect(bench.queue.cursor(WRITER)).toBe(4);
      bench.answer = () => DELIVERED;
      bench.queue.wake();
      await bench.queue.idle();
      expect(bench.delivered).toEqual(['2', '1', '3', '4']);
      expect(bench.parked.size).toBe(0);
    });

    test('waits for a destination that is away as a whole: nothing is parked', async () => {
      const bench = new DeliveryQueueBench();
      bench.answer = () => ({ ...RETRY, scope: 'destination' });
      await bench.attach();
      await bench.add(rowOf('1', 'a'), rowOf('2', 'b'));
      expect(bench.parked.size).toBe(0);
      expect(bench.queue.cursor(WRITER)).toBe(0);
    });

    test('passes what takes its time: that is parked meanwhile', async () => {
      const bench = new DeliveryQueueBench();
      let finish = () => {};
      const slow = new Promise<DeliveryOutcome>((resolve) => {
        finish = () => resolve(DELIVERED);
      });
      bench.answer = ({ twin }) => (twin === 'slow' ? slow : DELIVERED);
      const attached = bench.attach({ atOnce: 2, rows: 1 });
      bench.commit(rowOf('1', 'slow'), rowOf('2', 'slow'), rowOf('3', 'quick'));
      bench.queue.kick();
      while (!bench.delivered.includes('3')) await new Promise((go) => setImmediate(go));
      bench.queue.parkSlow();
      expect(bench.queue.cursor(WRITER)).toBe(0);
      bench.clock.advance(1_000);
      bench.queue.parkSlow();
      while (bench.queue.cursor(WRITER) < 3) await new Promise((go) => setImmediate(go));
      expect([...bench.parked.keys()]).toEqual(['1', '2']);
      finish();
      await attached;
      expect(bench.delivered).toEqual(['3', '1', '2']);
      expect(bench.parked.size).toBe(0);
    });
  });
});
