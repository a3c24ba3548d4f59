import { describe, expect, test } from 'vitest';
import type { LogRow } from '../../model/rows.ts';
import { journalOf } from '../../storage/contract/sample-rows.ts';
import { Feed } from './feed.ts';

const KIB = 1_024;

function turnOf(seq: number, characters = 0, twin = 't'): LogRow {
  const event = { type: 'hook', body: 'x'.repeat(characters) };
  return { ...journalOf({ twin, revision: seq, event }), writer: 0, seq };
}

const held = (feed: Feed) => feed.waiting(0).turns;

describe('the last turns in memory', () => {
  test('are let go by their size, the oldest first, though they are few', () => {
    const feed = new Feed(0, { turns: 1_000, bytes: 1_000 * KIB });
    for (let seq = 1; seq <= 100; seq++) feed.add([turnOf(seq, 64 * KIB)]);
    expect(held(feed)).toBeLessThanOrEqual(16);
    expect(held(feed)).toBeGreaterThan(4);
    expect(feed.reaches(0)).toBe(false);
    expect(feed.read(99, 100, 10)?.turns.map(({ seq }) => seq)).toEqual([100]);
  });

  test('are counted whichever part of them is large', () => {
    const text = 'x'.repeat(64 * KIB);
    const parts: Partial<LogRow>[] = [
      { state: { text } },
      { reported: { text } },
      { desired: { text } },
      { effects: [{ id: 'e', type: 'command', name: 'n', args: { text } }] as never },
    ];
    for (const part of parts) {
      const feed = new Feed(0, { turns: 1_000, bytes: 640 * KIB });
      for (let seq = 1; seq <= 20; seq++) feed.add([{ ...turnOf(seq), ...part }]);
      expect(held(feed)).toBeLessThan(12);
    }
  });

  test('go altogether where one of them is larger than memory', () => {
    const feed = new Feed(0, { turns: 10, bytes: KIB });
    feed.add([turnOf(1), turnOf(2, 2 * KIB)]);
    expect(held(feed)).toBe(0);
    expect(feed.reaches(1)).toBe(false);
    expect(feed.reaches(2)).toBe(true);
  });

  test('make room when they are read, or their twin is deleted', () => {
    const feed = new Feed(0, { turns: 1_000, bytes: 100 * KIB });
    for (let seq = 1; seq <= 200; seq += 2) {
      // Those of writers that overlap come in any order
      feed.add([turnOf(seq + 1, 20 * KIB, 'other'), turnOf(seq, 20 * KIB)]);
      if (seq % 4 === 1) feed.trim(seq + 1);
      else feed.forget({ home: 'h' });
    }
    expect(feed.reaches(198)).toBe(true);
    expect(held(feed)).toBe(0);
    feed.add([turnOf(201, 20 * KIB)]);
    expect(feed.read(200, 201, 9)?.turns).toHaveLength(1);
  });

  test('say when those after a position fill half of it, by number or by size', () => {
    const feed = new Feed(0, { turns: 10, bytes: 100 * KIB });
    for (let seq = 1; seq <= 4; seq++) feed.add([turnOf(seq)]);
    expect(feed.isHalfFull(0)).toBe(false);
    feed.add([turnOf(5)]);
    expect([feed.isHalfFull(0), feed.isHalfFull(4)]).toEqual([true, false]);
    feed.trim(5);
    feed.add([turnOf(6, 60 * KIB)]);
    expect([feed.isHalfFull(5), feed.isHalfFull(6)]).toEqual([true, false]);
  });
});
