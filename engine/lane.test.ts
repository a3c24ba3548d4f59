import { describe, expect, test } from 'vitest';
import { Lane } from './lane.ts';
import { ManualClock } from './manual-clock.ts';
import type { OutboxRow } from './rows.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';
import { outboxOf } from './storage/contract/sample-rows.ts';
import { EngineTelemetry } from './telemetry.ts';

const DELIVERED: DeliveryOutcome = { status: 'delivered' };
const RETRY: DeliveryOutcome = { status: 'retry', error: 'not connected' };
const DESTINATION = outboxOf().destination;

/** A lane between a store that holds some rows and a destination that answers as a test says. */
class LaneBench {
  readonly clock = new ManualClock();
  readonly delivered: string[] = [];
  reads = 0;
  /** What a row's delivery comes to. */
  answer: (row: OutboxRow) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DELIVERED;
  /** Happens while the store is being read. */
  whileReading: () => void = () => {};
  readonly lane = new Lane(DESTINATION, {
    storage: {
      pendingDeliveries: async (after, limit) => {
        this.reads++;
        const page = [...this.stored.values()]
          .map((row, index) => ({ row, position: index + 1 }))
          .filter(({ position }) => position > after)
          .slice(0, limit);
        this.whileReading();
        return page;
      },
      settle: async (settlements) => {
        for (const { id } of settlements) this.stored.delete(id);
      },
      postpone: async () => {},
    },
    clock: this.clock,
    telemetry: new EngineTelemetry(),
    random: () => 0.5,
    newId: () => 'letter',
    onSent: () => {},
    onDead: () => {},
  });
  readonly stored = new Map<string, OutboxRow>();

  store(...rows: OutboxRow[]): void {
    for (const row of rows) this.stored.set(row.id, row);
  }

  /** As a commit does that brings them. */
  async add(...rows: OutboxRow[]): Promise<void> {
    this.store(...rows);
    for (const row of rows) this.lane.add(row);
    this.lane.kick();
    await this.lane.idle();
  }

  async attach(pace?: Sink['pace']): Promise<void> {
    this.lane.attach({
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
    await this.lane.idle();
  }
}

const rowOf = (id: string, twin = 't') => outboxOf({ id, twin, expiresAt: null });

describe('a lane', () => {
  test('keeps the order of a twin whose second command fails while a third comes', async () => {
    const bench = new LaneBench();
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
    bench.lane.wake();
    await bench.lane.idle();
    expect(bench.delivered).toEqual(['1', '2', '3']);
  });

  test('delivers to who is there past any number of absent twins, and does not read the store in vain', async () => {
    const bench = new LaneBench();
    bench.answer = ({ twin }) => (twin === 'here' ? DELIVERED : RETRY);
    bench.store(...Array.from({ length: 12_000 }, (_, n) => rowOf(`absent-${n}`, `absent-${n}`)));
    bench.store(rowOf('stored', 'here'));
    await bench.attach();
    await bench.add(rowOf('new', 'here'));
    expect(bench.delivered).toEqual(['stored', 'new']);
    expect(bench.reads).toBeLessThan(100);
    expect(bench.lane.waiting).toBe(12_000);
  });

  test('delivers at the pace of its destination, and the rows of one twin one after the other', async () => {
    const bench = new LaneBench();
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
    const bench = new LaneBench();
    bench.answer = () => ({ ...RETRY, afterMs: 120_000 });
    await bench.attach();
    await bench.add(rowOf('1'));
    bench.answer = () => DELIVERED;
    bench.clock.advance(119_000);
    await bench.lane.idle();
    expect(bench.delivered).toEqual([]);
    bench.clock.advance(1_000);
    await bench.lane.idle();
    expect(bench.delivered).toEqual(['1']);
  });

  test('has room for no more than it says, and reads on when some have left', async () => {
    const bench = new LaneBench();
    bench.answer = () => RETRY;
    bench.store(...Array.from({ length: 50_100 }, (_, n) => rowOf(`${n}`, `t${n}`)));
    await bench.attach();
    expect(bench.lane.waiting).toBe(50_000);
    const { reads } = bench;
    await bench.add(rowOf('late', 'late'));
    expect(bench.reads).toBe(reads);
    bench.answer = () => DELIVERED;
    bench.lane.wake();
    await bench.lane.idle();
    expect(bench.delivered).toHaveLength(50_101);
    expect(bench.stored.size).toBe(0);
  });

  test('does not deliver what was withdrawn, or whose twin was deleted, while it was being read', async () => {
    const bench = new LaneBench();
    bench.store(rowOf('withdrawn'), rowOf('deleted', 'gone'), rowOf('left'));
    bench.whileReading = () => {
      bench.lane.add(rowOf('came'));
      bench.lane.withdraw(['withdrawn', 'came']);
      bench.lane.forget({ home: rowOf('').home, twin: 'gone' });
      bench.whileReading = () => {};
    };
    await bench.attach();
    expect(bench.delivered).toEqual(['left']);
  });
});
