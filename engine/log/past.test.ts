import { describe, expect, test } from 'vitest';
import { startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import { type PastTurn, pastOf } from './past.ts';

const MINUTE = 60_000;

/** A lamp with a report a minute. */
async function live(minutes: number, checkpointEvery = 500) {
  const bench = await startEngine({ kinds: [lamp], limits: { checkpointEvery } });
  const from = bench.clock.now();
  for (let power = 1; power <= minutes; power++) {
    await bench.send('lamp', { type: 'telemetry', power });
    await bench.pass(MINUTE);
  }
  const past = async (first: number, last: number): Promise<PastTurn[]> => {
    const span = { from: from + first * MINUTE, to: from + last * MINUTE };
    const { storage, engine } = bench;
    const turns: PastTurn[] = [];
    for await (const turn of pastOf(
      { storage, kinds: engine.kinds },
      { home: 'h1', twin: 'lamp' },
      span,
    )) {
      turns.push(turn);
    }
    return turns;
  };
  return { bench, past };
}

const powersOf = (turns: readonly PastTurn[]) =>
  turns.map(({ before, turned }) => [
    before && (before.view.reported.power ?? null),
    turned.twin.view.reported.power,
  ]);

describe('what a twin has been through', () => {
  test.each([500, 7])('is its turns of a span, with a checkpoint each %i turns', async (every) => {
    const { bench, past } = await live(20, every);
    await using _ = bench;
    expect(powersOf(await past(15, 18))).toEqual([
      [15, 16],
      [16, 17],
      [17, 18],
    ]);
    expect(powersOf(await past(0, 2))).toEqual([
      [null, undefined],
      [null, 1],
      [1, 2],
    ]);
    expect(await past(30, 40)).toEqual([]);
    expect(await past(-9, 0)).toEqual([]);
    expect(await past(-9, 99)).toHaveLength(21);
  });

  test('is read a stretch at a time: everyone else has the process in between', async () => {
    const { bench, past } = await live(300);
    await using _ = bench;
    let others = 0;
    let isOver = false;
    const reading = past(0, 400).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      others++;
    }
    expect(await reading).toHaveLength(301);
    expect(others).toBeGreaterThanOrEqual(4);
  });

  test('of a twin that is not there is an error', async () => {
    const { bench } = await live(1);
    await using _ = bench;
    const turns = pastOf(bench.engine, { home: 'h1', twin: 'x' }, { from: 0, to: 1 });
    await expect(turns.next()).rejects.toMatchObject({ code: 'unknown-twin' });
  });

  test('ends in an error where the journal does not reach back', async () => {
    const { bench, past } = await live(3);
    await using _ = bench;
    const { storage, engine, clock } = bench;
    const cut: typeof storage = {
      ...storage,
      readJournal: (address, revision, limit) =>
        storage.readJournal(address, Math.max(2, revision), limit),
    };
    const span = { from: 0, to: clock.now() };
    const turns = pastOf({ storage: cut, kinds: engine.kinds }, { home: 'h1', twin: 'lamp' }, span);
    await expect(turns.next()).rejects.toMatchObject({ code: 'state-unreadable' });
    expect(await past(0, 9)).toHaveLength(4);
  });
});
