import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubscriptionIndex } from './subscription-index.ts';
import { filterMatches, filterNames } from './topic.ts';

describe('topic filters', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a', false],
    ['a', 'a/b', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a/', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ])('%s against %s is %s', (filter, topic, expected) => {
    expect(filterMatches(filter, topic)).toBe(expected);
  });

  it('name a part of the tree only literally', () => {
    expect(filterNames('a/b/c', 'a/b')).toBe(true);
    expect(filterNames('a/b', 'a/b')).toBe(true);
    expect(filterNames('a/#', 'a/b')).toBe(false);
    expect(filterNames('a/bc', 'a/b')).toBe(false);
  });
});

describe('the subscription index', () => {
  const level = fc.constantFrom('a', 'b', '');
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const filter = fc
    .tuple(
      fc.array(fc.constantFrom('a', 'b', '', '+'), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
    )
    .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'));

  it('finds what a look at each filter finds, also after some have gone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('x', 'y', 'z'), filter), { maxLength: 20 }),
        fc.array(fc.nat(19)),
        topic,
        (added, removed, wanted) => {
          const index = new SubscriptionIndex();
          const known = new Map<string, [string, string]>();
          for (const [client, one] of added) {
            index.add(client, one, 1);
            known.set(`${client} ${one}`, [client, one]);
          }
          for (const n of removed) {
            const gone = added[n];
            if (!gone) continue;
            index.remove(...gone);
            known.delete(gone.join(' '));
          }
          index.forget('z');
          const expected = [...known.values()]
            .filter(([client, one]) => client !== 'z' && filterMatches(one, wanted))
            .map((pair) => pair.join(' '));
          const found = index.match(wanted).map((match) => `${match.client} ${match.filter}`);
          expect(found.sort()).toEqual(expected.sort());
        },
      ),
    );
  });
});
