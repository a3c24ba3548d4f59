import { expect, test } from 'vitest';
import { ChangeFeed, type HomeChange } from './changes.ts';

const removed = (n: number): HomeChange => ({ type: 'twin.removed', home: 'h1', twin: `t${n}` });

test('a subscriber that is always too slow is told what it missed, where it is missing', async () => {
  const feed = new ChangeFeed({
    now: () => 0,
    epoch: () => 1,
    settle: async () => {},
    read: async () => 'unknown',
  });
  const subscription = feed.subscribe(() => true);
  let published = 0;
  const publish = (count: number) => {
    for (let n = 0; n < count; n++) feed.publish(removed(published++));
  };
  publish(1_500);
  const read: string[] = [];
  for await (const change of subscription) {
    read.push(
      change.type === 'lagged' ? `missed ${change.missed}` : (change as { twin: string }).twin,
    );
    // It reads one while two come
    publish(2);
    if (read.length === 2_002) subscription[Symbol.dispose]();
  }
  expect(read.slice(998, 1_003)).toEqual(['t998', 't999', 'missed 500', 't1500', 't1501']);
  expect(read.slice(1_999, 2_002)).toEqual(['t2498', 't2499', 'missed 1002']);
});
