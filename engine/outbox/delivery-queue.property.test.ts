import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf } from '../model/envelope.ts';
import { ManualClock } from '../model/manual-clock.ts';
import type { DeliveryRow } from '../model/rows.ts';
import { EngineTelemetry } from '../model/telemetry.ts';
import { deliveryOf } from '../storage/contract/sample-rows.ts';
import type { LogDelivery } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { DeliveryOutcome, Sink } from './sink.ts';

const DESTINATION = deliveryOf().destination;
const WRITER = 0;
/** So small that few rows reach each of them. */
const LIMITS = { ready: 6, all: 12, ofHome: 8, ofSlowTwin: 3, ofHeldTwin: 2, heldTwins: 2 };
const AT_ONCE = 3;

type Step =
  | { do: 'commit'; twins: number[] }
  /** Twins that answer "try again" from now on. */
  | { do: 'away'; twins: number[] }
  | { do: 'wake'; twins: number[] | null }
  | { do: 'wait'; ms: number }
  | { do: 'break'; isStoreAway: boolean }
  | { do: 'withdraw'; nth: number }
  | { do: 'crash' };

const twins = fc.array(fc.nat(5), { minLength: 1, maxLength: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('commit' as const), twins }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('away' as const), twins }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wake' as const), twins: fc.option(twins) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(40_000) }) },
  fc.record({ do: fc.constant('break' as const), isStoreAway: fc.boolean() }),
  fc.record({ do: fc.constant('withdraw' as const), nth: fc.nat(30) }),
  fc.record({ do: fc.constant('crash' as const) }),
);

/** A store, a destination, and a queue between them that may be lost at any moment. */
class World {
  readonly clock = new ManualClock();
  readonly log: LogDelivery[] = [];
  readonly parked = new Map<string, DeliveryRow>();
  readonly delivered: string[] = [];
  readonly withdrawn = new Set<string>();
  readonly away = new Set<string>();
  #sink: Sink | null = null;
  readonly #places = new Map<string, number>();
  #place = 0;
  cursor = 0;
  isStoreAway = false;
  queue = this.#begin();

  #begin(): DeliveryQueue {
    const queue: DeliveryQueue = new DeliveryQueue(DESTINATION, new Map([[WRITER, this.cursor]]), {
      storage: {
        park: async (rows) => {
          if (this.isStoreAway) throw new Error('the store is away');
          // What an engine that is gone has still under way reaches nobody
          if (this.queue && this.queue !== queue) return;
          for (const row of rows) {
            if (!this.parked.has(row.id)) this.#places.set(row.id, ++this.#place);
            this.parked.set(row.id, row);
          }
        },
        endDeliveries: async (ids) => {
          if (this.isStoreAway) throw new Error('the store is away');
          if (this.queue && this.queue !== queue) return;
          for (const id of ids) this.parked.delete(id);
        },
      },
      source: {
        heads: () => new Map([[WRITER, this.log.length]]),
        read: async (_, after, upTo) => {
          if (this.isStoreAway) throw new Error('the store is away');
          return this.log.slice(after, upTo).map(({ row, position }) => ({
            position,
            rows: this.withdrawn.has(row.id) ? [] : [row],
          }));
        },
        parked: async (_, after) => {
          if (this.isStoreAway) throw new Error('the store is away');
          const rows = [...this.parked.values()].filter(({ id }) => this.#placeOf(id) > after);
          const page = rows.slice(0, 4);
          const last = page.at(-1);
          return {
            rows: page,
            over: [],
            next: page.length < 4 || !last ? null : this.#placeOf(last.id),
          };
        },
        parkedOf: async (_, asked) => {
          if (this.isStoreAway) throw new Error('the store is away');
          const found = asked.map((twin) => {
            const rows = [...this.parked.values()].filter((row) => keyOf(row) === keyOf(twin));
            return { twin, rows: rows.slice(0, AT_ONCE) };
          });
          const more = found.filter(({ rows }) => rows.length === AT_ONCE);
          return {
            rows: found.flatMap(({ rows }) => rows),
            over: [],
            more: new Set(more.map(({ twin }) => keyOf(twin))),
          };
        },
      },
      ...{ clock: this.clock, telemetry: new EngineTelemetry(), random: () => 0.5, limits: LIMITS },
      newId: () => 'letter',
      ...{ onSending: () => {}, onUnsent: () => {}, onDropped: () => {}, onSent: () => {} },
      onDead: () => expect.unreachable('nothing dies here'),
    });
    this.#sink = {
      name: DESTINATION,
      takes: ['command'],
      pace: { atOnce: 2, rows: 3 },
      deliver: async (rows) =>
        rows.map((row): DeliveryOutcome => {
          if (this.away.has(row.twin)) return { status: 'retry', error: 'away', isAway: true };
          if (this.queue === queue) this.delivered.push(row.id);
          return { status: 'delivered' };
        }),
    };
    queue.attach(this.#sink);
    return queue;
  }

  #placeOf(id: string): number {
    return this.#places.get(id) ?? 0;
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'commit': {
        const deliveries = one.twins.map((twin) => {
          const seq = this.log.length + 1;
          const row = deliveryOf({
            ...{ id: `h/t${twin}@${seq}#0`, home: 'h', twin: `t${twin}`, expiresAt: null },
          });
          const delivery = { row, position: { writer: WRITER, seq } };
          this.log.push(delivery);
          return delivery;
        });
        this.queue.add({ writer: WRITER, seq: this.log.length, deliveries });
        this.queue.kick();
        break;
      }
      case 'away':
        this.away.clear();
        for (const twin of one.twins) this.away.add(`t${twin}`);
        break;
      case 'wake':
        this.queue.wake(one.twins?.map((twin) => ({ home: 'h', twin: `t${twin}` })) ?? null);
        break;
      case 'wait':
        this.queue.parkSlow();
        this.clock.advance(one.ms);
        break;
      case 'break':
        this.isStoreAway = one.isStoreAway;
        break;
      case 'withdraw': {
        const id = this.log[one.nth]?.row.id;
        if (id === undefined) break;
        this.withdrawn.add(id);
        // As the commit does that withdraws it
        if (this.queue.mayHaveParked(id)) this.parked.delete(id);
        this.queue.withdraw([id]);
        break;
      }
      case 'crash':
        this.cursor = this.queue.cursor(WRITER);
        if (this.#sink) this.queue.detach(this.#sink);
        this.queue = this.#begin();
        break;
    }
    for (let turn = 0; turn < 3; turn++) await new Promise((go) => setImmediate(go));
    expect(this.queue.depth).toBeLessThanOrEqual(LIMITS.all + this.log.length);
  }

  /** Everything is there again, and time passes. */
  async settle(): Promise<void> {
    this.away.clear();
    this.isStoreAway = false;
    for (let round = 0; round < 6; round++) {
      this.clock.advance(60_000);
      this.queue.wake(null);
      await this.queue.idle();
    }
  }
}

test('whatever happens, everything is delivered, in order per twin', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World();
      for (const one of steps) await world.take(one);
      await world.settle();
      const first = [...new Set(world.delivered)];
      const wanted = world.log.map(({ row }) => row.id).filter((id) => !world.withdrawn.has(id));
      expect(wanted.filter((id) => !first.includes(id))).toEqual([]);
      for (const twin of ['t0', 't1', 't2', 't3', 't4', 't5']) {
        const its = first.filter((id) => id.startsWith(`h/${twin}@`));
        const order = world.log.map(({ row }) => row.id).filter((id) => its.includes(id));
        expect(its).toEqual(order);
      }
      expect(world.queue.depth).toBe(0);
      expect([...world.parked.keys()].filter((id) => !world.withdrawn.has(id))).toEqual([]);
      expect(world.queue.cursor(WRITER)).toBe(world.log.length);
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1) * 150 },
  );
});
