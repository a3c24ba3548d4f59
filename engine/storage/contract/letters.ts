import { describe, expect, test } from 'vitest';
import { CONTRACT_OPTIONS } from './options.ts';
import { candidateOf, deadLetterOf, homeOf, NOW, twinOf } from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

const BOUND = CONTRACT_OPTIONS.deadLettersPerHome;
const many = (count: number, home: string | null, prefix: string) =>
  Array.from({ length: count }, (_, n) => deadLetterOf({ id: `${prefix}${n}`, home }));

export function lettersContract(open: OpenSubject): void {
  describe('dead letters', () => {
    test('keep the newest of each home, and of none', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await storage.insertDeadLetters([...many(BOUND - 1, 'h', 'a'), ...many(2, 'quiet', 'q')]);
      await writer.write({ deadLetters: [...many(3, 'h', 'b'), ...many(BOUND + 4, null, 'n')] });
      const idsOf = async (home: string) =>
        (await storage.listDeadLetters(home, { limit: 100 })).items.map((letter) => letter.id);
      expect(await idsOf('h')).toEqual(['b2', 'b1', 'b0', 'a3', 'a2']);
      expect(await idsOf('quiet')).toEqual(['q1', 'q0']);
      const all = (await storage.listDeadLetters(null, { limit: 100 })).items;
      expect(all.filter((letter) => letter.home === null).map((letter) => letter.id)).toEqual([
        'n8',
        'n7',
        'n6',
        'n5',
        'n4',
      ]);
      expect(await storage.countDeadLetters()).toBe(BOUND * 2 + 2);
      await writer.write({ homes: [homeOf()], twins: [twinOf()] });
      await storage.endDeliveries(writer.epoch, [], many(2, 'h', 'c'));
      expect(await idsOf('h')).toEqual(['c1', 'c0', 'b2', 'b1', 'b0']);
    });

    test('are stored once, listed newest first in pages, deleted', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.insertDeadLetters([]);
      await storage.insertDeadLetters(many(3, 'h', 'a'));
      await storage.insertDeadLetters([
        deadLetterOf({ id: 'a1', error: 'again' }),
        deadLetterOf({ id: 'b' }),
      ]);
      const first = await storage.listDeadLetters(null, { limit: 3 });
      const rest = await storage.listDeadLetters(null, {
        limit: 3,
        cursor: first.nextCursor ?? '',
      });
      expect([...first.items, ...rest.items].map((letter) => letter.id)).toEqual([
        'b',
        'a2',
        'a1',
        'a0',
      ]);
      expect((await storage.getDeadLetter('a1'))?.error).toBe(deadLetterOf().error);
      await storage.deleteDeadLetter('a1');
      await storage.deleteDeadLetter('none');
      expect(await storage.getDeadLetter('a1')).toBeNull();
      expect(await storage.countDeadLetters()).toBe(3);
      await expect(storage.listDeadLetters(null, { limit: 1, cursor: 'x' })).rejects.toMatchObject({
        code: 'bad-input',
      });
    });
  });

  describe('candidates', () => {
    test('add up their messages and keep when they were first seen', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ candidates: [candidateOf({ messages: 3 })] });
      const again = candidateOf({
        ...{ kind: 'trv', via: 'zigbee2mqtt:x', messages: 4 },
        ...{
          firstSeenAt: NOW + 9,
          lastSeenAt: NOW + 9,
          lastEvent: { type: 'status', online: true },
        },
      });
      await writer.write({ candidates: [again] });
      expect(await storage.getCandidate({ home: 'h', twin: 'new' })).toEqual({
        ...{ ...again, messages: 7, firstSeenAt: NOW },
      });
    });

    test('are listed of one home or all, in pages, and deleted', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        candidates: [
          candidateOf({ home: 'b', twin: 'a' }),
          candidateOf({ home: 'a', twin: 'z' }),
          candidateOf({ home: 'a', twin: 'b' }),
        ],
      });
      const first = await storage.listCandidates(null, { limit: 2 });
      const rest = await storage.listCandidates(null, { limit: 2, cursor: first.nextCursor ?? '' });
      expect([...first.items, ...rest.items].map(({ home, twin }) => `${home}/${twin}`)).toEqual([
        'a/b',
        'a/z',
        'b/a',
      ]);
      expect((await storage.listCandidates('b', { limit: 9 })).items).toHaveLength(1);
      await storage.deleteCandidate({ home: 'b', twin: 'a' });
      expect(await storage.getCandidate({ home: 'b', twin: 'a' })).toBeNull();
    });
  });
}
