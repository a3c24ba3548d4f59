import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JournalRow } from '../model/rows.ts';
import { journalOf, NOW, twinOf } from '../storage/contract/sample-rows.ts';
import { Writer } from '../storage/contract/subject.ts';
import type { Storage } from '../storage/port.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { type JournalFilter, readHomeJournal } from './home-journal.ts';

/** A busy twin, and a quiet one whose turns are the oldest and the newest of the home. */
const TURNS = 23_000;
const rare = { type: 'rare' };

let storage: Storage;
beforeAll(async () => {
  storage = await openSqlite(':memory:', { deadLettersPerHome: 1 });
  const writer = await Writer.of(storage);
  const quiet = (revision: number, n: number) =>
    journalOf({ twin: 'quiet', revision, receivedAt: NOW + n, event: rare });
  const journal = [
    quiet(0, 0),
    ...Array.from({ length: TURNS }, (_, n) =>
      journalOf({ twin: 'busy', revision: n, receivedAt: NOW + n }),
    ),
    quiet(1, TURNS),
  ];
  await writer.write({
    twins: [twinOf({ twin: 'quiet', revision: 1 }), twinOf({ twin: 'busy', revision: TURNS - 1 })],
    journal,
  });
});
afterAll(() => storage[Symbol.asyncDispose]());

/** All pages, and how many there were. */
async function pages(filter: JournalFilter, limit = 50): Promise<JournalRow[][]> {
  const read: JournalRow[][] = [];
  let cursor: string | undefined;
  do {
    const page = await readHomeJournal(storage, 'h', filter, { limit, cursor });
    read.push(page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return read;
}
const namesOf = (rows: readonly JournalRow[]) =>
  rows.map(({ twin, revision }) => `${twin}@${revision}`);

describe('the journal of a home', () => {
  test('has every turn once, newest first', async () => {
    const rows = (await pages({}, 9_999)).flat();
    expect(rows).toHaveLength(TURNS + 2);
    expect(new Set(namesOf(rows)).size).toBe(TURNS + 2);
    const moments = rows.map(({ receivedAt }) => receivedAt);
    expect(moments).toEqual(moments.toSorted((a, b) => b - a));
  });

  test('looks at so many turns for a page, and goes on in the next one', async () => {
    expect((await pages({ type: 'rare' })).map(namesOf)).toEqual([['quiet@1'], ['quiet@0']]);
    expect((await pages({ twin: 'busy', type: 'rare' })).map(namesOf)).toEqual([[], []]);
  });

  test('lets everyone else have the process between stretches', async () => {
    let others = 0;
    let isOver = false;
    const reading = pages({ type: 'none' }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      others++;
    }
    await reading;
    expect(others).toBeGreaterThanOrEqual(4);
  });

  test('has a span of time, of all twins or of one', async () => {
    const span = { from: NOW + 10, to: NOW + 13 };
    const wanted = ['busy@12', 'busy@11', 'busy@10'];
    expect((await pages(span)).map(namesOf)).toEqual([wanted]);
    expect((await pages({ ...span, twin: 'busy' })).map(namesOf)).toEqual([wanted]);
    expect((await pages({ ...span, twin: 'busy' }, 2)).map(namesOf)).toEqual([
      ['busy@12', 'busy@11'],
      ['busy@10'],
    ]);
    expect((await pages({ ...span, twin: 'quiet' })).map(namesOf)).toEqual([[]]);
    expect(namesOf((await pages({ twin: 'quiet' })).flat())).toEqual(['quiet@1', 'quiet@0']);
    expect(await pages({ from: NOW + TURNS + 1 })).toEqual([[]]);
    expect(await pages({ twin: 'busy', from: NOW + TURNS })).toEqual([[]]);
    expect(await pages({ to: NOW })).toEqual([[]]);
  });

  test('of a twin that is not there, and of a home, is empty', async () => {
    expect(await pages({ twin: 'none' })).toEqual([[]]);
    expect((await readHomeJournal(storage, 'none', {}, { limit: 1 })).items).toEqual([]);
  });

  test('refuses a cursor that no page has given out', async () => {
    const cursor = Buffer.from('[1,"a",0.5]').toString('base64url');
    const page = { limit: 1, cursor };
    await expect(readHomeJournal(storage, 'h', {}, page)).rejects.toMatchObject({
      code: 'bad-input',
    });
  });
});
