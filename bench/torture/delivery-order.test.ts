/** A check that cannot fail is worth nothing: each is shown what was forged for it. */
import { expect, test } from 'vitest';
import { orderViolations } from './delivery-order.ts';
import type { Evidence } from './evidence.ts';
import { Model } from './model.ts';

const LAMP = { home: 'h1', twin: 'lamp' };

/** A lamp whose turns of these revisions desired something. */
function evidenceOf(revisions: readonly number[]): Evidence {
  const journal = revisions.map((revision) => ({ revision, desired: { on: true } }));
  return { twins: [{ twin: LAMP, journal }] } as unknown as Evidence;
}

function found(received: readonly (readonly [number, boolean?])[], meant: readonly number[]) {
  const model = new Model();
  for (const [revision, retained = false] of received) {
    model.receivedDesired(LAMP, { revision, retained });
  }
  return orderViolations({ isComplete: true })(model, evidenceOf(meant));
}

test('everything in order, and again, violates nothing', () => {
  expect(found([[1], [2], [1], [2], [3]], [1, 2, 3])).toEqual([]);
  expect(found([[3, true], [1], [2], [3]], [1, 2, 3])).toEqual([]);
});

test('a desired state that comes after a later one', () => {
  expect(found([[1], [3], [2]], [1, 2, 3])).toEqual(['h1/lamp: what turn 2 desired came after 3']);
});

test('a desired state that never comes', () => {
  expect(found([[1], [3]], [1, 2, 3])).toEqual(['h1/lamp: what turn 2 desired is lost']);
  const model = new Model();
  model.receivedDesired(LAMP, { revision: 2, retained: true });
  const holds = orderViolations({ isComplete: false });
  expect(holds(model, evidenceOf([1, 2]))).toEqual([]);
  expect(holds(model, evidenceOf([1, 2, 3]))).toEqual(['h1/lamp: what turn 3 desired is lost']);
});

test('a command that comes after one of a later turn', () => {
  const model = new Model();
  for (const revision of [1, 3, 2]) {
    const id = `h1/lamp@${revision}.life#0`;
    model.received({ ...LAMP, id, name: 'switch', args: {}, expiresAt: 0 });
  }
  expect(orderViolations({ isComplete: true })(model, evidenceOf([]))).toEqual([
    'h1/lamp@2.life#0 came after that of turn 3',
  ]);
});
