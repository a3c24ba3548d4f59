import { describe, expect, test } from 'vitest';
import type { Storage } from '../port.ts';
import {
  alertOf,
  candidateOf,
  checkpointOf,
  deadLetterOf,
  deliveryOf,
  homeOf,
  intentOf,
  journalOf,
  NOW,
  rollupOf,
  twinOf,
} from './sample-rows.ts';
import { type OpenSubject, type Parts, Writer } from './subject.ts';

const PAGE = { limit: 100 };

/** A twin with a row in every table. */
function lifeOf(home: string, twin: string): Parts {
  const of = { home, twin };
  const id = `${home}/${twin}@1#0`;
  return {
    twins: [twinOf({ ...of, wakeAt: NOW })],
    journal: [journalOf(of)],
    intents: [intentOf({ ...of, id })],
    alerts: [alertOf({ ...of, id })],
    rollups: [rollupOf(of)],
    checkpoints: [checkpointOf(of)],
    relations: [{ ...of, name: 'room', targets: ['kitchen'] }],
    deadLetters: [deadLetterOf({ ...of, id })],
    candidates: [candidateOf({ home, twin: `${twin}-new` })],
  };
}

async function live(writer: Writer, home: string, twin: string): Promise<void> {
  await writer.write(lifeOf(home, twin));
  await writer.storage.park(writer.epoch, [deliveryOf({ home, twin, id: `${home}/${twin}@1#0` })]);
}

/** How many rows there are of a twin, by what they are. */
async function remainsOf(
  storage: Storage,
  home: string,
  twin: string,
): Promise<Record<string, number>> {
  const address = { home, twin };
  const span = { ...address, measurement: 'temperature', from: 0, to: NOW * 2 };
  const parked = await storage.listParked(0, 100);
  const letters = (await storage.listDeadLetters(home, PAGE)).items;
  return {
    twin: (await storage.getTwin(address)) ? 1 : 0,
    journal: (await storage.readJournal(address, 0, 100)).length,
    samples: (await storage.listSamples(span, null, 100)).samples.length,
    parked: parked.filter(({ row }) => row.home === home && row.twin === twin).length,
    intents: (await storage.listEndedIntents(home, { twin }, PAGE)).items.length,
    alerts: (await storage.listAlerts(home, { twin }, PAGE)).items.length,
    rollups: (await storage.listRollups(span, '5m', 100)).length,
    checkpoints: (await storage.latestCheckpoint(address)) ? 1 : 0,
    letters: letters.filter((letter) => letter.twin === twin).length,
  };
}
const all = (count: number) => ({
  ...{ twin: count, journal: count, samples: count, parked: count, intents: count, alerts: count },
  ...{ rollups: count, checkpoints: count, letters: count },
});

export function homesContract(open: OpenSubject): void {
  describe('homes', () => {
    test('are inserted once, changed, listed in pages', async () => {
      await using subject = await open();
      const { storage } = subject;
      expect(await storage.insertHome(homeOf({ id: 'b' }))).toBe(true);
      expect(await storage.insertHome(homeOf({ id: 'b', name: 'again' }))).toBe(false);
      await storage.insertHome(homeOf({ id: 'c' }));
      await storage.insertHome(homeOf({ id: 'a' }));
      await storage.updateHome(homeOf({ id: 'b', name: 'Van', timezone: 'Asia/Tokyo' }));
      expect(await storage.getHome('b')).toEqual(
        homeOf({ id: 'b', name: 'Van', timezone: 'Asia/Tokyo' }),
      );
      expect(await storage.getHome('none')).toBeNull();
      const first = await storage.listHomes({ limit: 2 });
      expect(first.items.map((home) => home.id)).toEqual(['a', 'b']);
      const second = await storage.listHomes({ limit: 2, cursor: first.nextCursor ?? '' });
      expect(second.items.map((home) => home.id)).toEqual(['c']);
      expect(second.nextCursor).toBeNull();
      await expect(storage.listHomes({ limit: 2, cursor: 'x' })).rejects.toMatchObject({
        code: 'bad-input',
      });
    });

    test('go with all that is theirs, and nothing else does', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ homes: [homeOf(), homeOf({ id: 'h2' })] });
      await live(writer, 'h', 't');
      await live(writer, 'h2', 't');
      await storage.deleteHome('h');
      expect(await storage.getHome('h')).toBeNull();
      expect(await remainsOf(storage, 'h', 't')).toEqual(all(0));
      expect((await storage.listCandidates('h', PAGE)).items).toEqual([]);
      expect(await storage.getHome('h2')).not.toBeNull();
      expect(await remainsOf(storage, 'h2', 't')).toEqual(all(1));
      expect((await storage.listCandidates('h2', PAGE)).items).toHaveLength(1);
      await live(writer, 'h', 't');
      expect(await remainsOf(storage, 'h', 't')).toEqual(all(1));
    });
  });

  describe('deleting a twin', () => {
    test('removes all that is its own, and nothing else', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await live(writer, 'h', 't');
      await live(writer, 'h', 'neighbour');
      await storage.deleteTwin({ home: 'h', twin: 't' });
      expect(await remainsOf(storage, 'h', 't')).toEqual(all(0));
      expect(await remainsOf(storage, 'h', 'neighbour')).toEqual(all(1));
    });

    test('removes it from the relations of others', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({
        twins: [twinOf({ twin: 'kitchen' }), twinOf({ twin: 'trv' })],
        relations: [{ home: 'h', twin: 'trv', name: 'room', targets: ['kitchen'] }],
      });
      await storage.deleteTwin({ home: 'h', twin: 'kitchen' });
      expect((await storage.getTwin({ home: 'h', twin: 'trv' }))?.relations).toEqual({});
      await writer.write({ twins: [twinOf({ twin: 'kitchen' })] });
      expect((await storage.getTwin({ home: 'h', twin: 'kitchen' }))?.relations).toEqual({});
    });

    test('lets it begin anew at revision 0', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await live(writer, 'h', 't');
      await storage.deleteTwin({ home: 'h', twin: 't' });
      await live(writer, 'h', 't');
      expect(await remainsOf(storage, 'h', 't')).toEqual(all(1));
    });
  });
}
