import { expect, test } from 'vitest';
import { HomeCosts } from './home-costs.ts';

let now = 0;
const costs = new HomeCosts(() => now);
const take = (home: string, ms: number) => costs.measure(home, () => (now += ms));

test('a home that takes long at once, or again and again, is over; others are not', () => {
  take('one', 19);
  expect(costs.isOver('one')).toBe(false);
  take('one', 3);
  expect(costs.isOver('one')).toBe(true);
  expect(costs.isOver('two')).toBe(false);
  now += 1_000;
  expect(costs.isOver('one')).toBe(false);
  for (let second = 0; second < 20; second++) {
    take('two', 10);
    now += 100;
  }
  expect(costs.isOver('two')).toBe(true);
});

test('what fails has taken its time, too', () => {
  const fail = () => {
    now += 30;
    throw new Error('failed');
  };
  expect(() => costs.measure('three', fail)).toThrow('failed');
  expect(costs.isOver('three')).toBe(true);
});
