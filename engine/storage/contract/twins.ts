import { describe, expect, test } from 'vitest';
import type { TwinFilter, Wake } from '../port.ts';
import { NOW, stateOf, twinOf } from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

export function twinsContract(open: OpenSubject): void {
  describe('twins', () => {
    test('load with their relations, and a room with its members', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        twins: ['kitchen', 'trv', 'window'].map((twin) => twinOf({ twin })),
        relations: [
          { home: 'h', twin: 'trv', name: 'room', targets: ['kitchen'] },
          { home: 'h', twin: 'window', name: 'room', targets: ['kitchen'] },
          { home: 'h', twin: 'trv', name: 'sensors', targets: ['b', 'a'] },
          { home: 'other', twin: 'x', name: 'room', targets: ['kitchen'] },
        ],
      });
      const relationsOf = async (twin: string) =>
        (await storage.load([{ home: 'h', twin }]))[0]?.relations;
      expect(await relationsOf('trv')).toEqual({ room: ['kitchen'], sensors: ['a', 'b'] });
      expect(await relationsOf('kitchen')).toEqual({ members: ['trv', 'window'] });
      expect((await storage.getTwin({ home: 'h', twin: 'kitchen' }))?.relations).toEqual({
        members: ['trv', 'window'],
      });
      await writer.write({
        relations: [
          { home: 'h', twin: 'window', name: 'room', targets: ['hall'] },
          { home: 'h', twin: 'trv', name: 'sensors', targets: ['b', 'c'] },
          { home: 'h', twin: 'trv', name: 'room', targets: ['hall'] },
          { home: 'h', twin: 'trv', name: 'room', targets: [] },
        ],
      });
      expect(await relationsOf('trv')).toEqual({ sensors: ['b', 'c'] });
      expect(await relationsOf('kitchen')).toEqual({});
    });

    test('are counted by kind, of some homes', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        twins: [
          twinOf({ twin: 'a', kind: 'lamp' }),
          twinOf({ twin: 'b', kind: 'lamp' }),
          twinOf({ twin: 'c', kind: 'rule' }),
          twinOf({ home: 'other', twin: 'a', kind: 'lamp' }),
          twinOf({ home: 'third', twin: 'a', kind: 'lamp' }),
        ],
      });
      expect(await storage.countKinds(['h', 'other', 'nowhere'])).toEqual(
        new Map([
          [
            'h',
            new Map([
              ['lamp', 2],
              ['rule', 1],
            ]),
          ],
          ['other', new Map([['lamp', 1]])],
          ['nowhere', new Map()],
        ]),
      );
      expect(await storage.countKinds([])).toEqual(new Map());
    });

    test('of many characters come on more pages, each of them once', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const ids = Array.from({ length: 20 }, (_, n) => `big${String(n).padStart(2, '0')}`);
      const state = stateOf({ context: { text: 'x'.repeat(250_000) } });
      await writer.write({ twins: ids.map((twin) => twinOf({ twin, state })) });
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await storage.listTwins('h', {}, { limit: 200, cursor });
        pages.push(page.items.map(({ twin }) => twin));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(pages.map(({ length }) => length)).toEqual([8, 8, 4]);
      expect(pages.flat()).toEqual(ids);
    });

    test('tell a relation of all twins of some homes', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        relations: [
          { home: 'h', twin: 'b', name: 'watches', targets: ['twin:x', 'kind:y'] },
          { home: 'h', twin: 'a', name: 'watches', targets: ['*'] },
          { home: 'h', twin: 'a', name: 'room', targets: ['kitchen'] },
          { home: 'i', twin: 'a', name: 'watches', targets: ['twin:x'] },
          { home: 'j', twin: 'a', name: 'watches', targets: ['twin:x'] },
        ],
      });
      expect(await storage.listRelations(['i', 'h', 'nowhere'], 'watches')).toHaveLength(3);
      expect(await storage.listRelations(['h'], 'watches')).toEqual([
        { home: 'h', twin: 'a', name: 'watches', targets: ['*'] },
        { home: 'h', twin: 'b', name: 'watches', targets: ['kind:y', 'twin:x'] },
      ]);
      expect(await storage.listRelations([], 'watches')).toEqual([]);
    });

    test('load nothing for nobody, and only those that exist', async () => {
      await using subject = await open();
      const { storage } = subject;
      expect(await storage.load([])).toEqual([]);
      await (await Writer.of(storage)).write({ twins: [twinOf()] });
      expect(await storage.load([{ home: 'h', twin: 'T' }])).toEqual([]);
      expect(await storage.load([{ home: 'x', twin: 't' }])).toEqual([]);
      expect(await storage.getTwin({ home: 'x', twin: 't' })).toBeNull();
    });

    test('list by id in pages that neither lose nor double one', async () => {
      await using subject = await open();
      const { storage } = subject;
      const ids = ['A', 'B', 'a', 'a-1', 'a.1', 'a1', 'a_1', 'b', 'z'].sort();
      await (await Writer.of(storage)).write({
        twins: [...ids.map((twin) => twinOf({ twin })), twinOf({ home: 'other' })],
      });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await storage.listTwins('h', {}, { limit: 2, cursor });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map((twin) => twin.twin));
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual([...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      expect((await storage.listTwins('h', {}, { limit: ids.length })).nextCursor).toBeNull();
    });

    test.each<[string, TwinFilter, string[]]>([
      ['kind', { kind: 'trv' }, ['a', 'b']],
      ['room', { room: 'kitchen' }, ['a']],
      ['room that none has', { room: 'null' }, []],
      ['state path', { state: 'link.offline' }, ['a']],
      ['deep state path', { state: 'mode.heating.boost' }, ['b']],
      ['path that ends above the leaf', { state: 'mode.heating' }, ['b']],
      ['region', { state: 'link' }, ['a', 'b']],
      ['top-level state', { state: 'idle' }, ['c']],
      ['state that none is in', { state: 'link.offline.x' }, []],
      ['state with quotes', { state: `it's "odd".$[0]` }, ['d']],
      ['id', { text: 'A' }, ['a', 'c', 'd']],
      ['text in any case', { text: 'küch' }, ['a']],
      ['percent sign', { text: '%' }, ['b']],
      ['underscore', { text: '_' }, ['c']],
      ['backslash', { text: '\\' }, ['d']],
      ['two at once', { kind: 'trv', state: 'link.online' }, ['b']],
    ])('filter by %s', async (_what, filter, expected) => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        twins: [
          twinOf({
            ...{ twin: 'a', kind: 'trv', name: 'KÜCHE', room: 'kitchen' },
            state: stateOf({ value: { link: 'offline' } }),
          }),
          twinOf({
            ...{ twin: 'b', kind: 'trv', name: '50%' },
            state: stateOf({ value: { link: 'online', mode: { heating: 'boost' } } }),
          }),
          twinOf({ twin: 'c', name: 'a_c', state: stateOf({ value: 'idle' }) }),
          twinOf({
            twin: 'd',
            name: 'a\\d',
            state: stateOf({ value: { [`it's "odd"`]: '$[0]' } }),
          }),
        ],
      });
      const { items } = await storage.listTwins('h', filter, { limit: 10 });
      expect(items.map((twin) => twin.twin)).toEqual(expected);
    });

    test('pages hold what passes the filter, however rare', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        twins: Array.from({ length: 60 }, (_, n) =>
          twinOf({ twin: `t${n}`, state: stateOf({ value: n % 20 === 0 ? 'rare' : 'common' }) }),
        ),
      });
      const first = await storage.listTwins('h', { state: 'rare' }, { limit: 2 });
      expect(first.items.map((twin) => twin.twin)).toEqual(['t0', 't20']);
      const rest = await storage.listTwins(
        'h',
        { state: 'rare' },
        { limit: 2, cursor: first.nextCursor ?? '' },
      );
      expect(rest.items.map((twin) => twin.twin)).toEqual(['t40']);
    });

    test('wake earliest first, at the very moment, and page by page', async () => {
      await using subject = await open();
      const { storage } = subject;
      const wakes: [string, number | null][] = [
        ...([
          ['d', NOW],
          ['a', NOW + 2],
          ['c', NOW],
          ['b', NOW + 1],
        ] as [string, number][]),
        ...([
          ['late', NOW + 3],
          ['never', null],
        ] as [string, number | null][]),
      ];
      await (await Writer.of(storage)).write({
        twins: wakes.map(([twin, wakeAt]) => twinOf({ twin, wakeAt })),
      });
      const due: string[] = [];
      let after: Wake | null = null;
      for (;;) {
        const page: Wake[] = await storage.dueWakes(NOW + 2, 3, after);
        due.push(...page.map((wake) => wake.twin));
        after = page.at(-1) ?? null;
        if (page.length < 3) break;
      }
      expect(due).toEqual(['c', 'd', 'b', 'a']);
      expect(await storage.dueWakes(NOW, 1, null)).toEqual([{ home: 'h', twin: 'c', wakeAt: NOW }]);
      expect(await storage.dueWakes(NOW - 1, 10, null)).toEqual([]);
    });

    test('take a new wake without a turn', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const ids = ['a', 'b', 'gone'];
      await writer.write({ twins: ids.map((twin) => twinOf({ twin, wakeAt: NOW })) });
      await storage.deleteTwin({ home: 'h', twin: 'gone' });
      await writer.write({
        wakes: [
          { home: 'h', twin: 'a', wakeAt: NOW + 50 },
          { home: 'h', twin: 'b', wakeAt: null },
          { home: 'h', twin: 'gone', wakeAt: NOW },
        ],
      });
      expect(await storage.dueWakes(NOW + 100, 10, null)).toEqual([
        { home: 'h', twin: 'a', wakeAt: NOW + 50 },
      ]);
      expect(await storage.getTwin({ home: 'h', twin: 'a' })).toMatchObject({
        revision: 1,
        updatedAt: NOW,
      });
    });

    test.each(['', 'x', '!!', 'bnVsbA', 'WzFd', 'W10', 'eyJhIjoxfQ', 'WyJhIiwiYiJd'])(
      'refuse the cursor %j, which no page has given out',
      async (cursor) => {
        await using subject = await open();
        await expect(
          subject.storage.listTwins('h', {}, { limit: 1, cursor }),
        ).rejects.toMatchObject({
          code: 'bad-input',
        });
      },
    );
  });
}
