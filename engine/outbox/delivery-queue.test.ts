import { describe, expect, test } from 'vitest';
import { keyOf } from '../model/envelope.ts';
import { ManualClock } from '../model/manual-clock.ts';
import type { DeliveryRow } from '../model/rows.ts';
import { EngineTelemetry } from '../model/telemetry.ts';
import { deliveryOf } from '../storage/contract/sample-rows.ts';
import type { LogDelivery } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
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
  twinReads = 0;
  /** Ranges of the log that were read, each as its first position. */
  readonly ranges: number[] = [];
  /** Positions of other writers' last commits. */
  readonly heads = new Map<number, number>();
  /** What the store does before it parks. */
  beforeParking: () => void | Promise<void> = () => {};
  readonly letters: string[] = [];
  readonly postponed: string[] = [];
  /** Calls that have parked rows. */
  stored = 0;
  /** Rows that were handed over. */
  handed = 0;
  /** What a row's delivery comes to. */
  answer: (row: DeliveryRow) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DELIVERED;
  /** Happens while the log is being read. */
  whileReading: () => void = () => {};
  /** Happens after a page of what is parked was looked up, and before it comes. */
  whileReadingParked: () => void | Promise<void> = () => {};
  readonly log: LogDelivery[] = [];
  readonly parked = new Map<string, DeliveryRow>();
  #queue: DeliveryQueue | null = null;

  /** Begins when it is first asked for: what was stored before lies behind it. */
  get queue(): DeliveryQueue {
    return this.#queue ?? this.begin(new Map([[WRITER, 0]]));
  }

  begin(cursors: ReadonlyMap<number, number>): DeliveryQueue {
    const telemetry = new EngineTelemetry();
    telemetry.subscribe((name, fields) => {
      if (name === 'delivery.postponed') this.postponed.push((fields as { error: string }).error);
    });
    this.#queue = new DeliveryQueue(DESTINATION, cursors, {
      storage: {
        park: async (rows) => {
          await this.beforeParking();
          this.stored++;
          for (const row of rows) this.parked.set(row.id, row);
        },
        endDeliveries: async (ids, letters) => {
          for (const { content } of letters) {
            if (content.type === 'delivery') this.letters.push(content.outbox.id);
          }
          for (const id of ids) this.parked.delete(id);
        },
      },
      source: {
        heads: () => new Map([...this.heads, [WRITER, this.log.length]]),
        read: async (_, after, upTo) => {
          this.reads++;
          this.ranges.push(after);
          const range = this.log.slice(after, upTo);
          this.whileReading();
          return range.map(({ row, position }) => ({ position, rows: [row] }));
        },
        parked: async (_, after) => {
          const rows = [...this.parked.values()].slice(after, after + 1_000);
          await this.whileReadingParked();
          return { rows, over: [], next: rows.length < 1_000 ? null : after + 1_000 };
        },
        parkedOf: async (_, twins) => {
          this.twinReads++;
          const rows = twins.flatMap(({ twin }) =>
            [...this.parked.values()].filter((row) => row.twin === twin).slice(0, 100),
          );
          const more = twins.filter(
            ({ twin }) => rows.filter((row) => row.twin === twin).length === 100,
          );
          return { rows, over: [], more: new Set(more.map(keyOf)) };
        },
      },
      clock: this.clock,
      telemetry,
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

  /** Until something has come about that needs no time to pass. */
  async waitFor(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((go) => setImmediate(go));
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
            this.handed++;
            const outcome = await this.answer(row);
            if (outcome.status === 'delivered') this.delivered.push(row.id);
            return outcome;
          }),
        ),
    });
    await this.queue.idle();
  }
}

const rowOf = (id: string, twin = 't', home = 'h') =>
  deliveryOf({ id, twin, home, expiresAt: null });

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
    bench.queue.wake(null);
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
    bench.queue.wake(null);
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
    expect(bench.queue.depth).toBeLessThan(3_000);
    expect(bench.parked.size).toBe(12_000);
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

  test('keeps in memory what it says and no more, and delivers all of it', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => RETRY;
    bench.store(...Array.from({ length: 7_000 }, (_, n) => rowOf(`${n}`, `t${n}`, `h${n % 10}`)));
    await bench.attach();
    expect(bench.queue.depth).toBe(5_000);
    expect(bench.parked.size).toBe(7_000);
    expect(bench.queue.cursor(WRITER)).toBe(7_000);
    bench.answer = () => DELIVERED;
    bench.queue.wake(null);
    await bench.queue.idle();
    expect(new Set(bench.delivered).size).toBe(7_000);
    expect(bench.delivered).toHaveLength(7_000);
    expect(bench.parked.size).toBe(0);
  });

  test('holds little of a twin that cannot be reached, and nothing back of the others for it', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = ({ twin }) => (twin === 'away' ? { ...RETRY, afterMs: 3_600_000 } : DELIVERED);
    await bench.attach();
    const ids = Array.from({ length: 2_000 }, (_, n) => `${n}`);
    for (let at = 0; at < ids.length; at += 500) {
      await bench.add(...ids.slice(at, at + 500).map((id) => rowOf(id, 'away')));
    }
    await bench.add(rowOf('other', 'here', 'elsewhere'));
    expect(bench.delivered).toEqual(['other']);
    expect(bench.queue.depth).toBeLessThan(20);
    expect(bench.queue.cursor(WRITER)).toBe(2_001);
    bench.answer = () => DELIVERED;
    await bench.add(rowOf('last', 'away'));
    bench.queue.wake([{ home: rowOf('').home, twin: 'away' }]);
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['other', ...ids, 'last']);
    expect(bench.parked.size).toBe(0);
    expect(bench.queue.cursor(WRITER)).toBe(2_002);
  });

  test('tries twins that memory has no place for now and then', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => ({ ...RETRY, afterMs: 3_600_000 });
    bench.store(...Array.from({ length: 5_001 }, (_, n) => rowOf(`${n}`, `t${n}`, `h${n % 10}`)));
    await bench.attach();
    expect(bench.queue.depth).toBe(5_000);
    bench.answer = () => DELIVERED;
    bench.clock.advance(30_000);
    await bench.queue.idle();
    expect(bench.delivered).toHaveLength(1);
    expect(bench.queue.depth).toBe(5_000);
  });

  test('parks of a home what comes on top of its share, so that the others have theirs', async () => {
    const bench = new DeliveryQueueBench();
    let finish = () => {};
    const slow = new Promise<DeliveryOutcome>((resolve) => {
      finish = () => resolve(DELIVERED);
    });
    bench.answer = ({ home }) => (home === 'flood' ? slow : DELIVERED);
    await bench.attach({ atOnce: 2, rows: 1 });
    const rows = Array.from({ length: 6_000 }, (_, n) => rowOf(`${n}`, `t${n % 200}`, 'flood'));
    bench.commit(...rows);
    bench.queue.kick();
    await bench.waitFor(() => bench.parked.size === 6_000);
    expect(bench.queue.depth).toBe(5_000);
    finish();
    await bench.queue.idle();
    // What was parked comes when the twin's rows in memory have left
    expect(bench.delivered).toHaveLength(6_000);
    expect(bench.delivered.filter((id) => Number(id) % 200 === 7).map(Number)).toEqual(
      Array.from({ length: 30 }, (_, n) => 7 + n * 200),
    );
  });

  test('reads the log from where writers are behind, not from the last word of one that is silent', async () => {
    const bench = new DeliveryQueueBench();
    bench.heads.set(9, 0);
    bench.store(...Array.from({ length: 5_000 }, (_, n) => rowOf(`${n}`, `t${n % 9}`)));
    const cursors: [number, number][] = [
      [WRITER, 4_500],
      [9, 0],
    ];
    bench.begin(new Map(cursors));
    await bench.attach();
    expect(bench.ranges).toEqual([4_500]);
    expect(bench.delivered).toHaveLength(500);
  });

  test('delivers what it has read while it reads on, and reads no further when it is closed', async () => {
    const bench = new DeliveryQueueBench();
    bench.store(...Array.from({ length: 9_000 }, (_, n) => rowOf(`${n}`, `t${n % 9}`)));
    bench.whileReading = () => {
      if (bench.ranges.length === 3) void bench.queue.close();
    };
    await bench.attach();
    expect(bench.ranges).toHaveLength(3);
    expect(bench.delivered.length).toBeGreaterThan(0);
  });

  test('sees a row that somebody parks while a page of what is parked is on its way', async () => {
    const bench = new DeliveryQueueBench();
    await bench.attach();
    bench.parked.set('one', rowOf('one', 'a'));
    bench.whileReadingParked = () => {
      bench.whileReadingParked = () => {};
      bench.parked.set('two', rowOf('two', 'b'));
      bench.queue.reload();
    };
    bench.queue.reload();
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['one', 'two']);
    expect(bench.parked.size).toBe(0);
  });

  test('hands over the next row of a twin when the one before is delivered', async () => {
    const bench = new DeliveryQueueBench();
    let isSubscribed = false;
    bench.answer = () => {
      if (isSubscribed) return DELIVERED;
      isSubscribed = true;
      return RETRY;
    };
    bench.store(rowOf('1'), rowOf('2'));
    await bench.attach();
    bench.clock.advance(60_000);
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['1', '2']);
  });

  test('parks the rows of a twin in their order, also where the store was away in between', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => RETRY;
    await bench.attach();
    bench.beforeParking = () => {
      throw new Error('the store is away');
    };
    bench.commit(rowOf('1'));
    bench.queue.kick();
    await bench.waitFor(() => bench.postponed.some((error) => error.includes('away')));
    bench.beforeParking = () => {};
    bench.commit(rowOf('2'));
    expect(bench.queue.cursor(WRITER)).toBe(0);
    bench.clock.advance(250);
    await bench.waitFor(() => bench.queue.cursor(WRITER) === 2);
    expect([...bench.parked.keys()]).toEqual(['1', '2']);
  });

  test('does not give up a row for being woken, nor for a receiver that is away', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => RETRY;
    await bench.attach();
    await bench.add(rowOf('1'));
    let { stored } = bench;
    for (let wakes = 0; wakes < 150; wakes++) {
      bench.queue.wake(null);
      await bench.queue.idle();
    }
    expect(bench.letters).toEqual([]);
    expect(bench.stored).toBe(stored);
    bench.answer = () => ({ ...RETRY, isAway: true });
    for (let tries = 0; tries < 150; tries++) {
      bench.clock.advance(30_000);
      await bench.queue.idle();
    }
    expect(bench.letters).toEqual([]);
    bench.answer = () => RETRY;
    stored = bench.stored;
    bench.clock.advance(30_000);
    await bench.queue.idle();
    expect(bench.letters).toEqual(['1']);
  });

  test('wakes those twins that are back, and no others', async () => {
    const bench = new DeliveryQueueBench();
    bench.answer = () => RETRY;
    await bench.attach();
    await bench.add(rowOf('1', 'a'), rowOf('2', 'b'));
    bench.answer = () => DELIVERED;
    bench.queue.wake([{ home: rowOf('').home, twin: 'b' }]);
    await bench.queue.idle();
    expect(bench.delivered).toEqual(['2']);
  });

  test('delivers to a twin that was made anew while the log was being read', async () => {
    const bench = new DeliveryQueueBench();
    bench.store(rowOf('old', 'again'));
    bench.whileReading = () => {
      bench.whileReading = () => {};
      bench.queue.forget({ home: rowOf('').home, twin: 'again' });
      bench.commit(rowOf('new', 'again'));
    };
    await bench.attach();
    expect(bench.delivered).toEqual(['new']);
  });

  test('keeps no letter of what is refused after its twin was deleted', async () => {
    const bench = new DeliveryQueueBench();
    let refuse = () => {};
    bench.answer = () =>
      new Promise((resolve) => {
        refuse = () => resolve({ status: 'refused', error: '404' });
      });
    const attached = bench.attach();
    bench.commit(rowOf('1', 'gone'));
    bench.queue.kick();
    await bench.waitFor(() => bench.handed === 1);
    bench.queue.forget({ home: rowOf('').home });
    refuse();
    await attached;
    expect(bench.letters).toEqual([]);
    expect(bench.queue.depth).toBe(0);
    expect(bench.queue.cursor(WRITER)).toBe(1);
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
    expect(bench.queue.depth).toBe(0);
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
      bench.queue.wake(null);
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
