import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventData } from './model/envelope.ts';
import { openSqlite } from './storage/sqlite/open.ts';
import { startEngine } from './testing/engine-bench.ts';
import { lamp } from './testing/lamp.ts';

type Action =
  | { do: 'send'; twin: string; event: EventData; id: string | undefined; ageMs: number }
  | { do: 'desire'; twin: string; on: boolean }
  | { do: 'ack'; twin: string; ok: boolean }
  | { do: 'pass'; ms: number }
  | { do: 'restart'; downMs: number };

const twins = fc.constantFrom('a', 'b', 'c');
const event: fc.Arbitrary<EventData> = fc.oneof(
  fc.record({
    type: fc.constant('telemetry'),
    on: fc.boolean(),
    power: fc.integer({ min: -5, max: 5_000 }),
  }),
  fc.record({
    type: fc.constant('telemetry'),
    power: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    type: fc.constant('settings.changed'),
    autoOffMs: fc.option(fc.integer({ min: 0, max: 7_200_000 })),
  }),
  fc.record({ type: fc.constant('echo'), to: twins }),
  fc.record({
    type: fc.constant('startDaily'),
    catchUp: fc.integer({ min: 1, max: 3 }),
  }),
  fc.constant({ type: 'explode' }),
  fc.record({ type: fc.string() }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      twin: twins,
      event,
      id: fc.option(fc.constantFrom('i1', 'i2', 'i3', 'i4'), { nil: undefined }),
      ageMs: fc.constantFrom(0, 0, 0, 1_000, 600_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('desire' as const), twin: twins, on: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('ack' as const), twin: twins, ok: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 1_000, 31_000, 400_000, 7_200_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      downMs: fc.constantFrom(0, 60_000, 3 * 86_400_000),
    }),
  },
);

test('whatever happens: revisions have no gap, an id counts once, replay gives the state, no timer is early', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40 }), async (actions) => {
      await using storage = await openSqlite(':memory:', { deadLettersPerHome: 50 });
      let bench = await startEngine({ kinds: [lamp], storage, limits: { checkpointEvery: 7 } });
      const { clock } = bench;
      const admin = { principal: 'admin', source: 'rest' };
      const waiting: Promise<unknown>[] = [];
      try {
        for (const step of actions) {
          switch (step.do) {
            case 'send':
              waiting.push(
                bench.send(step.twin, step.event, {
                  at: clock.now() - step.ageMs,
                  ...(step.id !== undefined && { id: `${step.twin}-${step.id}` }),
                }),
              );
              break;
            case 'desire':
              waiting.push(
                bench.engine.desire({ home: 'h1', twin: step.twin }, { on: step.on }, admin),
              );
              break;
            case 'ack': {
              await bench.engine.idle();
              const reading = await bench.engine.readTwin({ home: 'h1', twin: step.twin });
              const [open] = reading?.row.state.pending ?? [];
              if (open) await bench.send(step.twin, { type: 'ack', intent: open.id, ok: step.ok });
              break;
            }
            case 'pass':
              await bench.pass(step.ms);
              break;
            case 'restart':
              await Promise.all(waiting);
              await bench.engine[Symbol.asyncDispose]();
              clock.advance(step.downMs);
              bench = await startEngine({
                kinds: [lamp],
                storage,
                clock,
                limits: { checkpointEvery: 7 },
              });
              break;
          }
        }
        await Promise.all(waiting);
        await bench.engine.idle();
        for (const twin of ['a', 'b', 'c']) {
          const address = { home: 'h1', twin };
          const reading = await bench.engine.readTwin(address);
          if (!reading) continue;
          const journal = await storage.readJournal(address, 0, 10_000);
          expect(journal.map(({ revision }) => revision)).toEqual(
            Array.from({ length: reading.row.revision + 1 }, (_, revision) => revision),
          );
          const keyed = journal.filter(({ dedupe }) => dedupe).map(({ eventId }) => eventId);
          expect(new Set(keyed).size).toBe(keyed.length);
          for (const { event: fired, receivedAt } of journal) {
            if (fired.type === 'timer.fired')
              expect(receivedAt).toBeGreaterThanOrEqual(Number(fired.due));
          }
          expect(await bench.engine.replay(address)).toMatchObject({ ok: true, differences: [] });
        }
        expect(bench.signals.filter(({ name }) => name === 'background.failed')).toEqual([]);
      } finally {
        await bench.engine[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
