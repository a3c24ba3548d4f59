import { describe, expect, test } from 'vitest';
import { Followed } from '../testing/followed.ts';
import type { Change, HomeChange, PlacedChange } from './change.ts';
import { ChangeFeed, type ChangeFeedOptions } from './change-feed.ts';
import type { ChangePosition } from './change-position.ts';

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

const EPOCH = 7;
const at = (seq: number, n = 0): ChangePosition => ({ epoch: EPOCH, seq, n, aside: 0 });
const turn = (seq: number, home = 'h1'): PlacedChange => ({
  ...{ type: 'twin', home, twin: 't', kind: 'lamp', revision: seq, at: 0 },
  ...{ event: { type: 'telemetry' }, eventId: `e${seq}`, cause: null, correlation: `e${seq}` },
  ...{ state: 'on', reported: {}, desired: {}, effects: [], position: at(seq) },
});
const isEnd = (change: Change) => change.type === 'twin' && change.twin === 'end';

/** A feed whose log is what a test says. */
function feedOf(given: Partial<ChangeFeedOptions> = {}, limit?: number) {
  const clock = { now: 0 };
  const reads: ChangePosition[] = [];
  const feed = new ChangeFeed(
    {
      now: () => clock.now,
      epoch: () => EPOCH,
      settle: async (_, run) => run(0),
      read: async (_, after) => {
        reads.push(after);
        return 'unknown';
      },
      ...given,
    },
    limit,
  );
  let ends = 1_000_000;
  return {
    feed,
    clock,
    reads,
    /** What a subscription has told until now, in short; it goes on. */
    async told(followed: Followed, home = 'h1'): Promise<(string | number)[]> {
      feed.publish({ ...turn(++ends, home), twin: 'end' });
      const changes = [...(await followed.until(isEnd))];
      followed.changes.length = 0;
      return changes.flatMap((change): (string | number)[] => {
        if (isEnd(change) || change.type === 'position') return [];
        if (change.type === 'twin') return [change.revision];
        return [change.type === 'gap' ? change.reason : change.type];
      });
    },
  };
}

describe('a stream that goes on from a position', () => {
  const everything = () => true;

  test('is told from memory what its home had after it, and of removals and sent commands once', async () => {
    const { feed, reads, told } = feedOf();
    await using first = new Followed(feed.follow('h1', everything));
    feed.publish(turn(1));
    feed.publish(turn(2, 'h2'));
    feed.publish(removed(1));
    feed.publish(turn(3));
    await first.until(({ type }) => type === 'twin.removed');
    const gone = first.changes.find(({ type }) => type === 'twin.removed') as PlacedChange;
    expect(gone.position).toEqual({ ...at(1), aside: 1 });
    await using one = new Followed(feed.follow('h1', everything, at(1)));
    await using other = new Followed(feed.follow('h1', everything, gone.position));
    expect(await told(one)).toEqual(['twin.removed', 3]);
    expect(await told(other)).toEqual([3]);
    expect(reads).toEqual([]);
  });

  test('is told nothing that its filter leaves out, and how far that was', async () => {
    const { feed } = feedOf();
    await using all = new Followed(feed.follow('h1', everything));
    for (let seq = 1; seq <= 3; seq++) feed.publish(turn(seq));
    const subscription = feed.follow('h1', ({ type }) => type === 'alert', at(1));
    await using filtered = new Followed(subscription);
    await filtered.until(({ type }) => type === 'position');
    expect(filtered.changes).toEqual([{ type: 'position', position: at(3) }]);
    feed.publish(turn(4));
    subscription.mark();
    await filtered.until((change) => change.type === 'position' && change.position.seq === 4);
    expect(filtered.changes).toHaveLength(2);
    expect(all.changes.length).toBeGreaterThan(0);
  });

  test('may be told where it begins before anything has happened', async () => {
    const { feed, told } = feedOf({ settle: async (_, run) => run(40) });
    await using first = new Followed(feed.follow('h1', everything));
    await first.until(({ type }) => type === 'position');
    const [mark] = first.changes;
    if (mark?.type !== 'position') throw new Error('no position was told');
    feed.publish(turn(41));
    await using resumed = new Followed(feed.follow('h1', everything, mark.position));
    expect(await told(resumed)).toEqual([41]);
  });

  test('reads as slowly as it likes, and is told when memory has let go what it had not read', async () => {
    const { feed } = feedOf({}, 3_000);
    using first = feed.follow('h1', everything);
    for (let seq = 1; seq <= 2_500; seq++) feed.publish(turn(seq));
    using slow = feed.follow('h1', everything, at(1));
    const reader = slow[Symbol.asyncIterator]();
    const next = async () => (await reader.next()).value as Change;
    expect(await next()).toMatchObject({ revision: 2 });
    for (let seq = 2_501; seq <= 3_500; seq++) feed.publish(turn(seq));
    for (let revision = 3; revision <= 201; revision++) {
      expect(await next()).toMatchObject({ revision });
    }
    feed.publish(turn(3_501));
    expect(await next()).toEqual({ type: 'gap', reason: 'too-slow' });
    expect(await next()).toEqual({ type: 'position', position: at(3_501) });
    first[Symbol.dispose]();
  });

  test('is told from the log what memory does not have, once for all who ask', async () => {
    let feed: ChangeFeed | null = null;
    const reads: number[] = [];
    const read = async (_: string, { seq }: ChangePosition) => {
      reads.push(seq);
      // Committed, and told, while the log is read: it is in it, too
      feed?.publish(turn(6));
      return [2, 3, 4, 5, 6].filter((past) => past > seq).map((past) => turn(past));
    };
    const bench = feedOf({ read, settle: async () => {} });
    feed = bench.feed;
    await using early = new Followed(feed.follow('h1', everything, at(3)));
    await using earlier = new Followed(feed.follow('h1', everything, at(1)));
    await using same = new Followed(feed.follow('h1', everything, at(3)));
    await using live = new Followed(feed.follow('h1', everything));
    await early.until((change) => change.type === 'twin' && change.revision === 6);
    await earlier.until((change) => change.type === 'twin' && change.revision === 6);
    await same.until((change) => change.type === 'twin' && change.revision === 6);
    feed.publish(turn(7));
    expect(await bench.told(early)).toEqual([4, 5, 6, 7]);
    expect(await bench.told(earlier)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(await bench.told(same)).toEqual([4, 5, 6, 7]);
    expect(await bench.told(live)).toEqual([6, 7]);
    expect(reads).toEqual([3, 1]);
  });

  test('is not told again what the log had before it was told live, and the others are told it once', async () => {
    const read = async () => [turn(2), turn(3)];
    const { feed, told } = feedOf({ read, settle: async () => {} });
    const subscription = feed.follow('h1', everything);
    await using live = new Followed(subscription);
    await using resumed = new Followed(feed.follow('h1', everything, at(1)));
    await resumed.until((change) => change.type === 'twin' && change.revision === 3);
    subscription.mark();
    feed.publish(turn(3));
    feed.publish(turn(4));
    expect(await told(resumed)).toEqual([2, 3, 4]);
    expect(await told(live)).toEqual([3, 4]);
  });

  test('is told of the gap when neither has it, and goes on live', async () => {
    const { feed, told } = feedOf();
    await using resumed = new Followed(feed.follow('h1', everything, at(5)));
    await resumed.until(({ type }) => type === 'gap');
    feed.publish(turn(9));
    expect(await told(resumed)).toEqual(['unknown', 9]);
  });

  test('fails when the log cannot be read; the next one is served', async () => {
    const answers = [Promise.reject(new Error('the store is away')), Promise.resolve([turn(2)])];
    const read = () => answers.shift() ?? Promise.resolve([]);
    const { feed, told } = feedOf({ read, settle: async () => {} });
    await using failed = new Followed(feed.follow('h1', everything, at(1)));
    await using served = new Followed(feed.follow('h1', everything, at(1)));
    await expect(failed.until(() => false)).rejects.toThrow('the store is away');
    await served.until(({ type }) => type === 'twin');
    expect(await told(served)).toEqual([2]);
  });

  test('ends without a failure when it is given up while the log is read', async () => {
    let fail = (_: Error) => {};
    const read = () =>
      new Promise<never>((_, reject) => {
        fail = reject;
      });
    const { feed } = feedOf({ read });
    const subscription = feed.follow('h1', everything, at(1));
    const reading = subscription[Symbol.asyncIterator]().next();
    await Promise.resolve();
    subscription[Symbol.dispose]();
    fail(new Error('the store is closed'));
    expect((await reading).done).toBe(true);
  });

  test('is refused the log when very many of its account wait for it, and no other account is', async () => {
    const reading: ((past: PlacedChange[]) => void)[] = [];
    const read = () => new Promise<PlacedChange[]>((resolve) => reading.push(resolve));
    const { feed, told } = feedOf({ read, settle: async () => {} });
    for (let n = 0; n < 100; n++) {
      const subscription = feed.follow(`h${n + 10}`, everything, at(1), 'greedy');
      void subscription[Symbol.asyncIterator]().next();
    }
    await using refused = new Followed(feed.follow('h1', everything, at(1), 'greedy'));
    await refused.until(({ type }) => type === 'gap');
    expect(await told(refused)).toEqual(['busy']);
    await using other = new Followed(feed.follow('h2', everything, at(1), 'other'));
    reading.shift()?.([]);
    while (reading.length === 0) await new Promise((resolve) => setImmediate(resolve));
    // One more of the first account was before it, and not the other ninety-eight
    reading.shift()?.([]);
    while (reading.length === 0) await new Promise((resolve) => setImmediate(resolve));
    reading.shift()?.([turn(2, 'h2')]);
    await other.until(({ type }) => type === 'twin');
    expect(await told(other, 'h2')).toEqual([2]);
  });

  test('finds its home in memory for two minutes after the last stream has gone', async () => {
    const { feed, clock, reads } = feedOf();
    feed.follow('h1', everything)[Symbol.dispose]();
    clock.now = 120_000;
    expect(feed.isFollowed('h1')).toBe(true);
    expect(feed.isInUse).toBe(true);
    feed.publish(turn(1));
    feed.publish(turn(2));
    await using soon = new Followed(feed.follow('h1', everything, at(1)));
    await soon.until(({ type }) => type === 'twin');
    expect(reads).toEqual([]);
    await soon[Symbol.asyncDispose]();
    clock.now = 240_001;
    expect(feed.isFollowed('h1')).toBe(false);
    expect(feed.isInUse).toBe(false);
    await using late = new Followed(feed.follow('h1', everything, at(1)));
    await late.until(({ type }) => type === 'gap');
    expect(reads).toEqual([at(1)]);
  });

  test('costs nothing more where very many homes were followed of late', () => {
    let looks = 0;
    const { feed } = feedOf({
      now: () => {
        looks++;
        return 0;
      },
    });
    for (let n = 0; n < 100; n++) feed.follow(`h${n}`, everything)[Symbol.dispose]();
    looks = 0;
    expect(feed.isFollowed('h1')).toBe(true);
    expect(feed.isInUse).toBe(true);
    expect(looks).toBe(2);
  });

  test('is not forgotten with the others that went, once it has come back', async () => {
    const { feed, clock } = feedOf();
    feed.follow('h1', everything)[Symbol.dispose]();
    clock.now = 60_000;
    feed.follow('h2', everything)[Symbol.dispose]();
    await using _again = new Followed(feed.follow('h1', everything));
    clock.now = 150_000;
    expect([feed.isFollowed('h1'), feed.isFollowed('h2')]).toEqual([true, true]);
    clock.now = 180_001;
    expect([feed.isFollowed('h1'), feed.isFollowed('h2')]).toEqual([true, false]);
  });

  test('finds nothing of a home that was removed', async () => {
    const { feed } = feedOf();
    await using first = new Followed(feed.follow('h1', everything));
    feed.publish(turn(1));
    feed.forget('h1');
    feed.forget('h2');
    await using resumed = new Followed(feed.follow('h1', everything, at(1)));
    await resumed.until(({ type }) => type === 'gap');
    expect(first.changes.length).toBeGreaterThan(0);
  });

  test('does not lose its memory to a flood in another home', async () => {
    const { feed, reads, told } = feedOf({}, 1_000);
    using _quiet = feed.follow('h1', everything);
    using _loud = feed.follow('h2', everything);
    feed.publish(turn(1));
    feed.publish(turn(2));
    for (let seq = 3; seq < 5_000; seq++) feed.publish(turn(seq, 'h2'));
    await using resumed = new Followed(feed.follow('h1', everything, at(1)));
    expect(await told(resumed)).toEqual([2]);
    expect(reads).toEqual([]);
  });
});

test('where a twin or the home was removed while the log was read, there is a gap', async () => {
  for (const remove of ['twin', 'home']) {
    let answer = (_: PlacedChange[]) => {};
    const read = () =>
      new Promise<PlacedChange[]>((resolve) => {
        answer = resolve;
      });
    const { feed, told } = feedOf({ read, settle: async () => {} });
    await using resumed = new Followed(feed.follow('h1', () => true, at(1)));
    await new Promise((resolve) => setImmediate(resolve));
    if (remove === 'home') feed.forget('h1');
    else feed.publish(removed(1));
    feed.publish(turn(3));
    answer([turn(2)]);
    await resumed.until(({ type }) => type === 'gap');
    expect(await told(resumed)).toEqual(['twin-removed']);
    expect(resumed.changes).toEqual([]);
  }
});

test('one that was too slow may have what it missed, by following anew', async () => {
  const { feed, told } = feedOf();
  using slow = feed.follow('h1', () => true);
  const reader = slow[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 1_200; seq++) feed.publish(turn(seq));
  for (;;) {
    const { value } = (await reader.next()) as { value: Change };
    if (value.type !== 'lagged') continue;
    const missed = value.missed;
    await using again = new Followed(feed.follow('h1', () => true, value.resume));
    const seen = await told(again);
    expect(seen).toHaveLength(missed);
    expect(seen.at(-1)).toBe(1_200);
    break;
  }
});

test('one that misses more before it is told what it missed goes on from before the first of them', async () => {
  const { feed, told } = feedOf();
  using slow = feed.follow('h1', () => true);
  const reader = slow[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 1_100; seq++) feed.publish(turn(seq));
  await reader.next();
  for (let seq = 1_101; seq <= 2_200; seq++) feed.publish(turn(seq));
  const lags: { missed: number; resume: ChangePosition | null }[] = [];
  let last = 0;
  while (lags.length < 2) {
    const { value } = (await reader.next()) as { value: Change };
    if (value.type === 'twin') last = value.revision;
    if (value.type !== 'lagged') continue;
    expect(value.resume).toEqual(at(last));
    lags.push(value);
  }
  await using again = new Followed(feed.follow('h1', () => true, lags[0]?.resume));
  expect(await told(again)).toHaveLength(2_200 - (lags[0]?.resume?.seq ?? 0));
});
