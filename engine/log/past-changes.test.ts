import { describe, expect, test } from 'vitest';
import { defineKind } from '../kernel/define-kind.ts';
import { EngineError } from '../model/errors.ts';
import { NOT_YET } from '../outbox/sends.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { Followed } from '../testing/followed.ts';
import { lamp } from '../testing/lamp.ts';
import type { Change, GapReason, PlacedChange } from './change.ts';
import type { ChangePosition } from './change-position.ts';
import { readPastChanges } from './past-changes.ts';

const isPlaced = (change: Change): change is PlacedChange =>
  'home' in change && change.position !== undefined;

/** Two homes with two turns of lamps after their creation, and the positions that were told of them. */
async function told(bench: EngineBench): Promise<Map<string, ChangePosition>> {
  const { engine, send } = bench;
  await using h1 = new Followed(engine.changes.follow('h1', () => true));
  await using h2 = new Followed(engine.changes.follow('h2', () => true));
  for (const id of ['first', 'second']) {
    for (const home of ['h1', 'h2']) {
      await send('a', { type: 'telemetry', power: 1 }, { id: `${home}-${id}`, home });
    }
  }
  const seen = [h1, h2].map((one, at) =>
    one.until((change) => change.type === 'twin' && change.eventId === `h${at + 1}-second`),
  );
  const changes = (await Promise.all(seen)).flat().filter(isPlaced);
  return new Map(
    changes.flatMap((change) =>
      change.type === 'twin' ? [[change.eventId, change.position] as const] : [],
    ),
  );
}

async function reading(
  { storage, engine }: EngineBench,
  home: string,
  after: ChangePosition | undefined,
  given: Partial<Parameters<typeof readPastChanges>[0]> & { upTo?: number } = {},
): Promise<PlacedChange[] | GapReason> {
  if (!after) throw new Error('there is no such change');
  const { upTo = after.seq + 100, ...source } = given;
  const sendOf = () => NOT_YET;
  return readPastChanges({ storage, kinds: engine.kinds, sendOf, ...source }, home, after, upTo);
}

describe('what a home’s streams were told, read from the log', () => {
  test('is of that home, after that position', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const positions = await told(bench);
    const past = await reading(bench, 'h1', positions.get('h1-first'));
    expect(past).toMatchObject([
      { home: 'h1', eventId: 'h1-second', position: positions.get('h1-second') },
    ]);
    expect(await reading(bench, 'h1', positions.get('h1-second'))).toEqual([]);
  });

  test('is unknown for what was never told there', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const positions = await told(bench);
    const first = positions.get('h1-first');
    if (!first) throw new Error('nothing was told');
    expect(await reading(bench, 'h2', first)).toBe('unknown');
    expect(await reading(bench, 'h1', { ...first, epoch: first.epoch + 1 })).toBe('unknown');
    expect(await reading(bench, 'h1', { ...first, n: 7 })).toBe('unknown');
    expect(await reading(bench, 'h1', first, { upTo: first.seq - 1 })).toBe('unknown');
    expect(await reading(bench, 'nobody', first)).toBe('unknown');
  });

  test('ends where a twin was removed, and begins anew after that', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('b', { type: 'telemetry', power: 1 });
    const positions = await told(bench);
    await bench.engine.deleteTwin({ home: 'h1', twin: 'b' }, { principal: 'p', source: 'rest' });
    expect(await reading(bench, 'h1', positions.get('h1-second'))).toBe('twin-removed');
    expect(await reading(bench, 'h2', positions.get('h2-first'))).toHaveLength(1);
    const { storage } = bench;
    const vanishing = { ...storage, readHomeLog: storage.readHomeLog, load: async () => [] };
    const source = { storage: vanishing };
    expect(await reading(bench, 'h2', positions.get('h2-first'), source)).toBe('twin-removed');
  });

  test('is too much when many positions or turns lie between, or many turns lead there', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const first = (await told(bench)).get('h1-first');
    if (!first) throw new Error('nothing was told');
    expect(await reading(bench, 'h1', first, { upTo: first.seq + 200_001 })).toBe('too-old');
    const { storage } = bench;
    const { rows, removedAt } = await storage.readHomeLog('h1', first.seq, first.seq, 1);
    const [row] = rows;
    if (!row) throw new Error('the row is not there');
    const long: typeof storage = {
      ...storage,
      readHomeLog: async (_home, _from, _upTo, limit) => ({
        rows: Array.from({ length: limit }, () => row),
        removedAt,
      }),
    };
    expect(await reading(bench, 'h1', first, { storage: long })).toBe('too-old');
    const late: typeof storage = {
      ...storage,
      readHomeLog: async () => ({ rows: [{ ...row, revision: 10_001 }], removedAt }),
      latestCheckpoint: async () => null,
    };
    expect(await reading(bench, 'h1', first, { storage: late })).toBe('too-old');
  });

  test('is too old where the journal does not reach back far enough to fold it', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const second = (await told(bench)).get('h1-second');
    const { storage } = bench;
    const cut: typeof storage = {
      ...storage,
      latestCheckpoint: async () => null,
      readJournal: async (address, from, limit) =>
        (await storage.readJournal(address, from, limit)).slice(1),
    };
    expect(await reading(bench, 'h1', second, { storage: cut })).toBe('too-old');
    const none: typeof storage = { ...cut, readJournal: async () => [] };
    expect(await reading(bench, 'h1', second, { storage: none })).toBe('too-old');
  });

  test('cannot be told when the kind is another now, whether it says so or not', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const first = (await told(bench)).get('h1-first');
    const withKind = (kind: object) =>
      reading(bench, 'h1', first, { kinds: new Map([['lamp', kind as typeof lamp]]) });
    expect(await withKind({ ...lamp, version: 2 })).toBe('kind-changed');
    expect(await reading(bench, 'h1', first, { kinds: new Map() })).toBe('kind-changed');
    const { telemetry: _, ...deaf } = lamp.events;
    expect(await withKind({ ...lamp, events: deaf })).toBe('kind-changed');
    const { machine } = defineKind({
      ...lamp,
      machine: lamp.machine.provide({ guards: { isOn: () => true, isOff: () => false } }),
    });
    expect(await withKind({ ...lamp, machine })).toBe('kind-changed');
  });

  test('fails with the store, to be asked again', async () => {
    await using storage = await openSqlite(':memory:', { deadLettersPerHome: 9 });
    await using bench = await startEngine({ kinds: [lamp], storage });
    const first = (await told(bench)).get('h1-first');
    const failing: typeof storage = {
      ...storage,
      latestCheckpoint: async () => {
        throw new EngineError('storage-unavailable', 'the store is away');
      },
    };
    await expect(reading(bench, 'h1', first, { storage: failing })).rejects.toThrow('away');
  });
});
