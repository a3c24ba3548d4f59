import { expect, test } from 'vitest';
import type { HomeChange } from './change.ts';
import { ChangeBuffer } from './change-buffer.ts';

const alert = (seq: number, twin = 't') =>
  ({
    ...{ type: 'alert', home: 'h1', twin, alert: {} },
    position: { epoch: 7, seq, n: 0, aside: 0 },
  }) as HomeChange;
const removal = (twin = 't'): HomeChange => ({ type: 'twin.removed', home: 'h1', twin });

test('a removed twin is told apart from the one that has its name now, and nothing else is', () => {
  const buffer = new ChangeBuffer();
  for (const change of [alert(1), alert(2, 'other')]) buffer.add(change);
  const removed = buffer.add(removal());
  buffer.add(alert(3));
  const is = (change: HomeChange) => buffer.isOfRemovedTwin(change);
  expect([alert(1), alert(2, 'other'), alert(3)].map(is)).toEqual([true, false, false]);
  expect(removed && is(removed)).toBe(true);
  buffer.trim();
  expect([alert(1), alert(2, 'other'), alert(3)].map(is)).toEqual([true, false, false]);
});

test('a removed twin is told apart however many were removed after it', () => {
  const buffer = new ChangeBuffer();
  buffer.add(alert(1));
  buffer.add(removal());
  for (let n = 1; n <= 1_001; n++) buffer.add(removal(`t${n}`));
  expect([alert(1), alert(2)].map((change) => buffer.isOfRemovedTwin(change))).toEqual([
    true,
    false,
  ]);
});

test('the twins of a removed home are told apart from those of its successor', () => {
  const buffer = new ChangeBuffer();
  buffer.add(alert(1));
  buffer.clear();
  buffer.add(alert(2));
  expect([alert(1), alert(2)].map((change) => buffer.isOfRemovedTwin(change))).toEqual([
    true,
    false,
  ]);
});

test('a position of a change that the log has not is given once, over buffers', () => {
  const given = [0, 1_000].map((firstAside) => {
    const buffer = new ChangeBuffer(firstAside);
    buffer.add(alert(1));
    return { buffer, position: buffer.add(removal())?.position };
  });
  const [former, next] = given;
  expect(former?.position).not.toEqual(next?.position);
  expect(former?.position && next?.buffer.covers(former.position)).toBe(false);
  expect(next?.position && next.buffer.covers(next.position)).toBe(true);
});

test('what was removed before anything has a position is not taken for what comes then', () => {
  const buffer = new ChangeBuffer();
  const removed = removal();
  expect(buffer.add(removed)).toBe(removed);
  buffer.add(alert(1));
  expect([removed, alert(1)].map((change) => buffer.isOfRemovedTwin(change))).toEqual([
    true,
    false,
  ]);
});
