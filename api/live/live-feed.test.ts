import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ask } from '../access/visibility.ts';
import { ApiBench } from '../http/testing/api-bench.ts';
import { type LiveFeed, type LiveFilter, openFeed } from './live-feed.ts';
import type { PlacedMessage } from './message.ts';

const EVERYTHING: Ask = async () => true;
/** Somebody who was granted one twin, and nothing else of the home. */
const granted =
  (name: string): Ask =>
  async (_action, _home, twin) =>
    twin === name;

describe('of a twin that is removed and made anew', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const feedFor = (may: Ask, given: Partial<LiveFilter> = {}) =>
    openFeed(api.engine, { home: 'h1', snapshot: false, ...given }, { may, account: 'ada' });
  const power = (watts: number) =>
    api.post('/v1/homes/h1/twins/l2/events', { type: 'telemetry', power: watts });
  const make = () => api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });

  /** The twin’s turns and its removals, up to a turn with this power. */
  async function toldOf(feed: AsyncIterable<PlacedMessage>, last: number): Promise<unknown[]> {
    const told: unknown[] = [];
    for await (const { event, data } of feed) {
      if (event === 'twin.removed') told.push('removed');
      if (event !== 'twin' || data.id !== 'l2') continue;
      told.push(data.reported['power'] ?? 'made');
      if (data.reported['power'] === last) return told;
    }
    return told;
  }

  test.each([
    ['goes on from memory', true],
    ['has read slowly', false],
  ])('a reader that %s is shown the former one by rights to the home only', async (_, resumes) => {
    using first = feedFor(EVERYTHING);
    const reader = first[Symbol.asyncIterator]();
    let id: string | undefined;
    while (id === undefined) ({ id } = (await reader.next()).value as PlacedMessage);
    const given = resumes ? { resume: id } : {};
    const open = (): [LiveFeed, LiveFeed] => [
      feedFor(EVERYTHING, given),
      feedFor(granted('l2'), given),
    ];
    const early = resumes ? null : open();
    await make();
    await power(1);
    await api.delete('/v1/homes/h1/twins/l2');
    await make();
    await power(2);
    const [all, heir] = early ?? open();
    expect(await toldOf(all, 2)).toEqual(['made', 1, 'removed', 'made', 2]);
    expect(await toldOf(heir, 2)).toEqual(['made', 2]);
  });
});
