/** A check that cannot fail is worth nothing: each is shown what was forged for it. */
import { expect, test } from 'vitest';
import type { StreamMessage } from '../stream-reader.ts';
import type { Evidence } from './evidence.ts';
import { streamViolations } from './stream-violations.ts';

let ids = 0;
const turn = (revision: number, id = String(ids++)): StreamMessage => ({
  ...{ event: 'twin', id },
  data: { id: 'lamp', revision },
});
const intent = (status: string): StreamMessage => ({
  ...{ event: 'intent', id: String(ids++) },
  data: { id: 'i', status },
});
const gap = (reason: string): StreamMessage => ({ event: 'gap', data: { reason } });

function found(told: StreamMessage[], endedAt: number | null = 5): string[] {
  const intents = new Map([['i', { status: 'confirmed', endedAt }]]);
  const evidence = { intents } as unknown as Evidence;
  const of = 'WebSocket of h1: ';
  return streamViolations({ door: 'WebSocket', home: 'h1', told }, evidence, 10).map((text) =>
    text.replace(of, ''),
  );
}

test('each change once and in order, or a gap that says so, violates nothing', () => {
  const life = ['pending', 'sent', 'sent', 'acked', 'confirmed'].map(intent);
  expect(found([turn(3), turn(4), ...life, turn(5)])).toEqual([]);
  expect(found([turn(3), gap('too-old'), turn(7), intent('pending')])).toEqual([]);
});

test('a turn that is missed, comes twice, or comes too late', () => {
  expect(found([turn(3), turn(5)])).toEqual(['lamp@4 was not told, lamp@5 was']);
  expect(found([turn(3), turn(3)])).toEqual(['lamp@3 was told after lamp@3']);
  expect(found([turn(3), gap('too-old'), turn(2)])).toEqual(['lamp@2 was told after lamp@3']);
  expect(found([turn(3, 'x'), turn(4, 'x')])).toEqual(['twin x was told twice']);
});

test('a gap for a reason that there cannot be', () => {
  expect(found([gap('unknown')])).toEqual(['told of a gap that is none: unknown']);
});

test('an intent that goes back, or whose end is not told', () => {
  expect(found([intent('confirmed'), intent('sent')])).toEqual(['i became sent after its time']);
  expect(found([intent('acked'), intent('sent'), intent('confirmed')])).toEqual([
    'i became sent after its time',
  ]);
  expect(found([intent('pending')])).toEqual(['i is confirmed, which was not told']);
  expect(found([intent('pending')], 20)).toEqual([]);
  expect(found([intent('pending')], null)).toEqual([]);
});
