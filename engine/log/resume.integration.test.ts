/** A stream that was cut off anywhere goes on as if it had not been. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventData } from '../model/envelope.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/port.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { Followed } from '../testing/followed.ts';
import { lamp } from '../testing/lamp.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import type { Change, PlacedChange } from './change.ts';
import { parsePosition, positionText } from './change-position.ts';

type Action =
  | { do: 'send'; twin: string; event: EventData }
  | { do: 'burst'; twin: string; events: number }
  | { do: 'desire'; twin: string; on: boolean }
  | { do: 'ack'; twin: string; ok: boolean }
  | { do: 'pass'; ms: number }
  | { do: 'elsewhere' }
  | { do: 'resume'; at: number };

const twin = fc.constantFrom('a', 'b', 'c');
const event: fc.Arbitrary<EventData> = fc.oneof(
  fc.record({ type: fc.constant('telemetry'), on: fc.boolean(), power: fc.nat(3_000) }),
  fc.record({ type: fc.constant('echo'), to: twin }),
);
const actions = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), twin, event }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('burst' as const),
        twin,
        events: fc.integer({ min: 2, max: 20 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('desire' as const), twin, on: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('ack' as const), twin, ok: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(1_000, 31_000),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'elsewhere' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('resume' as const), at: fc.nat(1_000) }),
    },
  ),
  { minLength: 3, maxLength: 25 },
);

const isPlaced = (change: Change): change is PlacedChange =>
  'home' in change && change.position !== undefined;
const placed = (changes: readonly Change[]) => changes.filter(isPlaced);
const isOf = (eventId: string) => (change: Change) =>
  change.type === 'twin' && change.eventId === eventId;

/** What a client sends back of a change that it has got. */
function sentBack({ position }: PlacedChange) {
  const parsed = parsePosition(positionText(position));
  if (!parsed) throw new Error(`${positionText(position)} cannot be read`);
  return parsed;
}

/** As the log has it: how a command was sent is told as it is known now, and asides are not in it. */
function asInLog(changes: readonly PlacedChange[]): object[] {
  return changes
    .filter(({ position }) => position.aside === 0)
    .map((change) =>
      change.type === 'intent'
        ? { ...change, intent: { ...change.intent, sentAt: null, attempts: 0 } }
        : change,
    );
}

async function act({ engine, send, pass, storage }: EngineBench, action: Action): Promise<void> {
  switch (action.do) {
    case 'send':
      await send(action.twin, action.event);
      break;
    case 'burst':
      await Promise.all(
        Array.from({ length: action.events }, (_, power) =>
          send(action.twin, { type: 'telemetry', power, on: power % 3 === 0 }),
        ),
      );
      break;
    case 'desire':
      await send(action.twin, { type: 'desired.changed', on: action.on });
      break;
    case 'ack': {
      const [open] = await storage.listOpenCommands('h1', action.twin);
      const intent = open?.pending[0];
      if (intent) await send(action.twin, { type: 'ack', intent: intent.id, ok: action.ok });
      break;
    }
    case 'pass':
      await pass(action.ms);
      break;
    case 'elsewhere':
      await send('a', { type: 'telemetry', power: 1 }, { home: 'h2' });
      break;
    case 'resume':
      break;
  }
  await engine.idle();
}

test('from memory: each change once and in order, wherever it was cut off, and from then on live', async () => {
  await fc.assert(
    fc.asyncProperty(actions, async (given) => {
      await using bench = await startEngine({ kinds: [lamp] });
      const { changes } = bench.engine;
      await using uncut = new Followed(changes.follow('h1', () => true));
      await using stack = new AsyncDisposableStackOf();
      const resumed: { from: PlacedChange; stream: Followed }[] = [];
      const resume = (from: PlacedChange) => {
        const stream = stack.use(new Followed(changes.follow('h1', () => true, sentBack(from))));
        resumed.push({ from, stream });
      };
      for (const action of given) {
        await act(bench, action);
        const seen = placed(uncut.changes);
        const from = action.do === 'resume' ? seen[action.at % seen.length] : undefined;
        if (from) resume(from);
      }
      await bench.send('a', { type: 'telemetry', power: 0 }, { id: 'middle' });
      for (const from of placed(await uncut.until(isOf('middle')))) resume(from);
      await bench.send('a', { type: 'telemetry', power: 9_999 }, { id: 'last' });
      const all = placed(await uncut.until(isOf('last')));
      const end = all.findIndex(isOf('last')) + 1;
      for (const { from, stream } of resumed) {
        const told = placed(await stream.until(isOf('last')));
        expect(told.slice(0, told.findIndex(isOf('last')) + 1)).toEqual(
          all.slice(all.indexOf(from) + 1, end),
        );
      }
    }),
    { numRuns: 25 },
  );
});

/** Node 20 has none. */
class AsyncDisposableStackOf implements AsyncDisposable {
  #held: AsyncDisposable[] = [];
  use<T extends AsyncDisposable>(one: T): T {
    this.#held.push(one);
    return one;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#held) await one[Symbol.asyncDispose]();
  }
}

describe.each(['sqlite', 'postgres'])('from the log of %s', (dialect) => {
  let database: TestDatabase | null = null;
  beforeAll(async () => {
    if (dialect === 'postgres') database = await createTestDatabase();
  });
  afterAll(() => database?.[Symbol.asyncDispose]());
  const open = async (): Promise<Storage> => {
    await database?.reset();
    return openStorage(database?.url ?? 'sqlite::memory:', { deadLettersPerHome: 50 });
  };

  test('over a restart: the same as was told live, then what comes meanwhile and afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (given) => {
        await using storage = await open();
        const limits = { checkpointEvery: 7 };
        const before: PlacedChange[] = [];
        const first = await startEngine({ kinds: [lamp], storage, limits });
        {
          await using uncut = new Followed(first.engine.changes.follow('h1', () => true));
          for (const action of given) await act(first, action);
          await first.send('a', { type: 'telemetry', power: 1 }, { id: 'before' });
          await first.engine.idle();
          before.push(...placed(await uncut.until(isOf('before'))));
        }
        await first[Symbol.asyncDispose]();
        const { clock } = first;
        await using bench = await startEngine({ kinds: [lamp], storage, limits, clock });
        await using stack = new AsyncDisposableStackOf();
        const resumed = before.map((from) => {
          const subscription = bench.engine.changes.follow('h1', () => true, sentBack(from));
          return { from, stream: stack.use(new Followed(subscription)) };
        });
        for (let n = 0; n < 5; n++) await bench.send('b', { type: 'telemetry', power: n });
        await bench.send('a', { type: 'telemetry', power: 2 }, { id: 'after' });
        await using late = new Followed(
          bench.engine.changes.follow('h1', () => true, sentBack(before[0] as PlacedChange)),
        );
        const upTo = (changes: readonly PlacedChange[]) =>
          asInLog(changes.slice(0, changes.findIndex(isOf('after')) + 1));
        const all = upTo([before[0] as PlacedChange, ...placed(await late.until(isOf('after')))]);
        // What was told live stands at its beginning
        expect(all.slice(0, asInLog(before).length)).toEqual(asInLog(before));
        for (const { from, stream } of resumed) {
          const told = upTo(placed(await stream.until(isOf('after'))));
          expect(stream.changes.filter(({ type }) => type === 'gap')).toEqual([]);
          const rest = all.length - told.length;
          expect(told).toEqual(all.slice(rest));
          const turns = asInLog(before.slice(0, before.indexOf(from) + 1));
          expect(rest).toBe(turns.length);
        }
      }),
      { numRuns: dialect === 'sqlite' ? 20 : 5 },
    );
  });
});
