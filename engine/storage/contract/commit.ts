import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alertOf,
  bucketOf,
  candidateOf,
  checkpointOf,
  deadLetterOf,
  deliveryOf,
  homeOf,
  intentOf,
  journalOf,
  NOW,
  rollupOf,
  stateOf,
  twinOf,
} from './sample-rows.ts';
import { type OpenSubject, type Parts, WRITERS, Writer } from './subject.ts';

const ADDRESS = { home: 'h', twin: 't' };
const PAGE = { limit: 100 };
const SPAN = { ...ADDRESS, measurement: 'temperature', from: 0, to: NOW * 2 };

/** One row in every part. */
function everything(): Parts {
  return {
    homes: [homeOf()],
    twins: [twinOf({ wakeAt: NOW + 1 })],
    journal: [journalOf()],
    intents: [intentOf()],
    alerts: [alertOf()],
    rollups: [rollupOf()],
    checkpoints: [checkpointOf()],
    relations: [{ ...ADDRESS, name: 'room', targets: ['kitchen'] }],
    deadLetters: [deadLetterOf()],
    candidates: [candidateOf()],
  };
}

/** Texts that have broken databases. */
const AWKWARD = [
  ...[
    '',
    "O'Hara",
    '"quoted"',
    'back\\slash',
    'a\\u0000b',
    'line\nbreak\r\ttab',
    'NUL\0inside',
    '\0',
  ],
  ...[
    '\ud800 lone',
    'lone \udc00',
    '🌡️ 21 °C',
    '\ue000',
    '\ue0000000',
    '\ue000e',
    '\x1d',
    '\x1e\x1e',
  ],
  ...['NULL', '{}', '{a,b}', '$1', '%_', '\u2028', 'Ä'.repeat(300)],
];

export function commitContract(open: OpenSubject): void {
  describe('a commit', () => {
    test('stores every part', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write(everything());
      expect(await storage.getHome('h')).toEqual(homeOf());
      expect(await storage.getTwin(ADDRESS)).toEqual({
        ...twinOf({ wakeAt: NOW + 1 }),
        relations: { room: ['kitchen'] },
      });
      expect(await storage.readJournal(ADDRESS, 0, 10)).toEqual([journalOf()]);
      expect(await storage.readLog(0, 10)).toEqual([{ ...journalOf(), writer: 0, seq: 1 }]);
      expect(await storage.getEndedIntent('h', 'h/t@1#0')).toEqual({
        ...intentOf(),
        sentAt: null,
        attempts: 0,
      });
      expect(await storage.getAlert('h', 'h/t@1#1')).toEqual(alertOf());
      expect(await storage.listRollups(SPAN, '5m', 10)).toEqual([bucketOf()]);
      expect(await storage.latestCheckpoint(ADDRESS)).toEqual(checkpointOf());
      expect((await storage.listDeadLetters('h', PAGE)).items).toEqual([deadLetterOf()]);
      expect((await storage.listCandidates('h', PAGE)).items).toEqual([candidateOf()]);
    });

    test('that fails half-way leaves nothing, and the same seq is free for the next try', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      // the same revision twice
      const journal = [journalOf(), journalOf()];
      await expect(writer.write({ ...everything(), journal })).rejects.toThrow();
      expect(await storage.getHome('h')).toBeNull();
      expect(await storage.countTwins()).toBe(0);
      expect(await storage.readJournal(ADDRESS, 0, 10)).toEqual([]);
      expect(await storage.readLog(0, 10)).toEqual([]);
      expect((await storage.listEndedIntents('h', {}, PAGE)).items).toEqual([]);
      expect((await storage.listAlerts('h', {}, PAGE)).items).toEqual([]);
      expect(await storage.listRollups(SPAN, '5m', 10)).toEqual([]);
      expect(await storage.latestCheckpoint(ADDRESS)).toBeNull();
      expect(await storage.countDeadLetters()).toBe(0);
      expect((await storage.listCandidates(null, PAGE)).items).toEqual([]);
      await writer.write(everything());
      expect(await storage.countTwins()).toBe(1);
    });

    test('is found by whoever opens the database after a crash', async () => {
      await using subject = await open();
      if (!subject.reopen) return;
      const { storage } = subject;
      await (await Writer.of(storage)).write(everything());
      await using other = await subject.reopen();
      expect(await other.getTwin(ADDRESS)).toEqual(await storage.getTwin(ADDRESS));
      expect(await other.readLog(0, 10)).toHaveLength(1);
    });

    test('replaces a twin as a whole and appends to its journal', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      await writer.write({ twins: [twinOf()], journal: [journalOf()] });
      const next = twinOf({
        ...{ kind: 'trv', version: 3, name: 'Other', room: 'kitchen', via: 'zigbee2mqtt:x' },
        ...{ revision: 2, wakeAt: NOW + 5, updatedAt: NOW + 1, lastEventAt: NOW + 1 },
        state: stateOf({ value: 'idle', seen: [], timers: [], alerts: {}, buckets: {} }),
      });
      const row = journalOf({ revision: 2, state: 'idle', late: true, dedupe: false, cause: 'e1' });
      await writer.write({ twins: [next], journal: [row] });
      expect(await storage.getTwin(ADDRESS)).toEqual({ ...next, relations: {} });
      expect(await storage.readJournal(ADDRESS, 2, 10)).toEqual([row]);
    });

    test('keeps a home that exists as it is', async () => {
      await using subject = await open();
      const { storage } = subject;
      await storage.insertHome(homeOf({ name: 'Given by a person' }));
      await (await Writer.of(storage)).write({ homes: [homeOf(), homeOf({ id: 'other' })] });
      expect((await storage.getHome('h'))?.name).toBe('Given by a person');
      expect(await storage.getHome('other')).not.toBeNull();
    });

    test.each(AWKWARD)('gives back the text %j exactly, wherever it stands', async (text) => {
      await using subject = await open();
      const { storage } = subject;
      const twin = twinOf({
        name: text,
        via: text,
        state: stateOf({
          context: { [text]: text, list: [text, { deep: text }] },
          lastAt: { [text]: 1 },
        }),
      });
      const rows = {
        twins: [twin],
        journal: [
          journalOf({
            event: { type: 'telemetry', temperature: 20.5, [`x${text}`]: text },
            ...{ eventId: text, correlation: text, principal: text, cause: text, state: text },
          }),
        ],
        deadLetters: [deadLetterOf({ error: text, hint: text, home: null, twin: null })],
      };
      const writer = await Writer.of(storage);
      await writer.write(rows);
      await storage.park(writer.epoch, [deliveryOf({ id: text })]);
      expect(await storage.load([ADDRESS])).toEqual([{ ...twin, relations: {} }]);
      expect(await storage.readJournal(ADDRESS, 0, 1)).toEqual(rows.journal);
      expect((await storage.listParked(0, 1))[0]?.row).toEqual(deliveryOf({ id: text }));
      expect(await storage.getDeadLetter('d1')).toEqual(rows.deadLetters[0]);
      expect((await storage.listSamples(SPAN, null, 10)).samples).toEqual([
        { at: NOW, value: 20.5 },
      ]);
      expect((await storage.listTwins('h', { text }, PAGE)).items).toHaveLength(1);
      await storage.endDeliveries(writer.epoch, [text], []);
      expect(await storage.listParked(0, 1)).toEqual([]);
    });

    test('gives back any JSON exactly', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      // PostgreSQL, like JSON, has no negative zero; "__proto__" is no key that a parser makes
      const json = fc
        .jsonValue({ stringUnit: 'binary' })
        .map((value) => JSON.parse(JSON.stringify(value)));
      let revision = 0;
      await fc.assert(
        fc.asyncProperty(json, json, async (inState, inEvent) => {
          revision++;
          const twin = twinOf({ revision, state: stateOf({ context: { inState } }) });
          const row = journalOf({ revision, event: { type: 'x', inEvent } });
          await writer.write({ twins: [twin], journal: [row] });
          expect((await storage.getTwin(ADDRESS))?.state).toEqual(twin.state);
          expect(await storage.readJournal(ADDRESS, revision, 1)).toEqual([row]);
        }),
        { numRuns: 60 },
      );
    });

    test('takes times with fractions, long numbers and the far future', async () => {
      await using subject = await open();
      const { storage } = subject;
      const twin = twinOf({
        wakeAt: NOW + 0.25,
        lastEventAt: 1.5,
        state: stateOf({
          context: { tiny: 5e-324, huge: 1.7976931348623157e308, third: 1 / 3, whole: 2 ** 53 },
        }),
      });
      const journal = [
        journalOf({ revision: 0, at: 0.5, receivedAt: 0.5 }),
        journalOf({ revision: 1, receivedAt: Date.UTC(2099, 11, 31) + 0.125 }),
      ];
      const stats = { sum: 0.1 + 0.2, min: -1e300, max: 1e300 };
      await (await Writer.of(storage)).write({
        twins: [twin],
        journal,
        rollups: [rollupOf(stats)],
      });
      expect(await storage.getTwin(ADDRESS)).toEqual({ ...twin, relations: {} });
      expect(await storage.readJournal(ADDRESS, 0, 10)).toEqual(journal);
      expect(await storage.listRollups(SPAN, '5m', 10)).toEqual([bucketOf(stats)]);
    });

    test('takes 2,000 twins at once, and gives them back in one load', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const addresses = Array.from({ length: 2_000 }, (_, n) => ({
        home: `h${n % 50}`,
        twin: `t${n}`,
      }));
      for (const revision of [1, 2]) {
        await writer.write({
          twins: addresses.map((address) => twinOf({ ...address, revision, wakeAt: NOW })),
          journal: addresses.map((address) => journalOf({ ...address, revision })),
        });
      }
      const loaded = await storage.load([...addresses, { home: 'nobody', twin: 'none' }]);
      expect(loaded).toHaveLength(2_000);
      expect(new Set(loaded.map((twin) => `${twin.home}/${twin.twin}@${twin.revision}`))).toEqual(
        new Set(addresses.map(({ home, twin }) => `${home}/${twin}@2`)),
      );
      expect(await storage.countTwins()).toBe(2_000);
    });

    test('of one writer does not wait for that of another', async () => {
      await using subject = await open();
      const { storage } = subject;
      const lease = await storage.acquire('test', WRITERS, 0);
      const writers = Array.from(
        { length: WRITERS },
        (_, n) => new Writer(storage, lease.epoch, n),
      );
      for (let round = 1; round <= 10; round++) {
        await Promise.all(
          writers.map((writer) =>
            writer.write({
              twins: [twinOf({ home: `h${writer.index}`, revision: round })],
              journal: [journalOf({ home: `h${writer.index}`, revision: round })],
            }),
          ),
        );
      }
      expect(await storage.countTwins()).toBe(WRITERS);
    });
  });
}
