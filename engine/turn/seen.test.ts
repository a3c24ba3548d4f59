import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ID_HASH_LENGTH, idHash } from '../model/envelope.ts';
import type { SeenSegment } from '../model/twin-state.ts';
import { hasSeen, remember } from './seen.ts';

const count = (seen: SeenSegment[]) =>
  seen.reduce((sum, { ids }) => sum + ids.length / ID_HASH_LENGTH, 0);

test('the last 64 ids are always remembered, whatever the pace, and the window is bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 400 }), (pauses) => {
      let seen: SeenSegment[] = [];
      let now = 0;
      for (const [n, pause] of pauses.entries()) {
        now += pause;
        seen = remember(seen, [idHash(`id${n}`)], now);
      }
      for (let n = Math.max(0, pauses.length - 64); n < pauses.length; n++) {
        expect(hasSeen(seen, idHash(`id${n}`))).toBe(true);
      }
    }),
  );
});

test('all of a burst is remembered; once it is over the window shrinks again', () => {
  let seen: SeenSegment[] = [];
  for (let n = 0; n < 2_000; n++) seen = remember(seen, [idHash(`b${n}`)], n);
  expect(hasSeen(seen, idHash('b0'))).toBe(true);
  for (let n = 0; n < 4_000; n++) seen = remember(seen, [idHash(`s${n}`)], 60_000 + n * 1_000);
  expect(hasSeen(seen, idHash('b1999'))).toBe(false);
  expect(count(seen)).toBeLessThan(100);
});

test('a flood does not grow it without bound', () => {
  let seen: SeenSegment[] = [];
  for (let n = 0; n < 20_000; n++) seen = remember(seen, [idHash(`f${n}`)], 0);
  expect(count(seen)).toBeLessThanOrEqual(4_096 + 16);
});

test('what is redelivered after an outage finds itself, although newer events come in between', () => {
  let seen: SeenSegment[] = [];
  for (let n = 0; n < 500; n++) seen = remember(seen, [idHash(`old${n}`)], n);
  const later = 3_600_000;
  for (let n = 0; n < 500; n++) {
    expect(hasSeen(seen, idHash(`old${n}`))).toBe(true);
    if (n % 10 === 0) seen = remember(seen, [idHash(`new${n}`)], later + n);
  }
});

test('what was stored before an outage is remembered while what waited meanwhile is stored', () => {
  let seen: SeenSegment[] = [];
  for (let n = 0; n < 500; n++) seen = remember(seen, [idHash(`old${n}`)], n);
  for (const outage of [15_000, 3_600_000, -3_600_000]) {
    for (let n = 0; n < 500; n++) seen = remember(seen, [idHash(`${outage}${n}`)], outage + n);
    for (let n = 0; n < 500; n++) expect(hasSeen(seen, idHash(`old${n}`))).toBe(true);
  }
});

test('a hash that only reaches over two others is none of them', () => {
  const seen = [{ at: 0, ids: 'aaaaaaaabbbbbbbb' }];
  expect(hasSeen(seen, 'bbbbbbbb')).toBe(true);
  expect(hasSeen(seen, 'aaaabbbb')).toBe(false);
});
