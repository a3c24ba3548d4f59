import { describe, expect, test } from 'vitest';
import type { EventData } from '../../model/envelope.ts';
import type { HistoryQuery, SampleKey, Storage } from '../port.ts';
import { journalOf, NOW } from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;
const SPAN = { home: 'h', twin: 't', measurement: 'temperature', from: NOW, to: NOW + HOUR };

/** The samples of a span, stretch by stretch. */
async function stretches(storage: Storage, query: HistoryQuery, most: number) {
  const read: { at: number; value: number }[][] = [];
  let next: SampleKey | null = null;
  do {
    const stretch = await storage.listSamples(query, next, most);
    read.push(stretch.samples);
    next = stretch.next;
  } while (next !== null);
  return read;
}

async function allOf(storage: Storage, query: HistoryQuery, most = 100) {
  return (await stretches(storage, query, most)).flat();
}

export function samplesContract(open: OpenSubject): void {
  describe('samples', () => {
    test('are the numbers of telemetry in the span, oldest first', async () => {
      await using subject = await open();
      const { storage } = subject;
      const telemetry = { type: 'telemetry' };
      const events: [number, EventData][] = [
        [NOW - 1, { ...telemetry, temperature: 1 }],
        [NOW + 20, { ...telemetry, temperature: 22 }],
        [NOW, { ...telemetry, temperature: 20 }],
        [NOW + 30, { ...telemetry, humidity: 40 }],
        [NOW + 40, { ...telemetry, temperature: '24' }],
        [NOW + 50, { ...telemetry, temperature: null }],
        [NOW + 60, { type: 'calibrated', temperature: 26 }],
        [NOW + 70, { ...telemetry, temperature: -0.5, 'a.b': 1, '$[0]': 2, "it's": 3 }],
        [NOW + HOUR, { ...telemetry, temperature: 2 }],
      ];
      await (await Writer.of(storage)).write({
        journal: [
          ...events.map(([at, event], revision) =>
            // the third came in weeks late
            journalOf({ revision, at, receivedAt: revision === 2 ? at + 3 * WEEK : at, event }),
          ),
          journalOf({ twin: 'neighbour', revision: 1 }),
        ],
      });
      expect(await allOf(storage, SPAN)).toEqual([
        { at: NOW, value: 20 },
        { at: NOW + 20, value: 22 },
        { at: NOW + 70, value: -0.5 },
      ]);
      for (const [measurement, value] of [
        ['a.b', 1],
        ['$[0]', 2],
        ["it's", 3],
      ] as const) {
        expect(await allOf(storage, { ...SPAN, measurement })).toEqual([{ at: NOW + 70, value }]);
      }
      expect(await allOf(storage, { ...SPAN, measurement: 'constructor' })).toEqual([]);
    });
  });

  describe('samples of a span', () => {
    test('are found among those before and after it, however late they came in', async () => {
      await using subject = await open();
      const { storage } = subject;
      const from = NOW + 40 * HOUR;
      const lateness = [0, 299_999, 300_000, 300_001, 6 * HOUR, 5 * WEEK, -300_000];
      // A report an hour for a hundred of them, each as late as another
      const moments = Array.from({ length: 100 }, (_, n) => {
        const at = NOW + n * HOUR;
        return { at, receivedAt: at + (lateness[n % lateness.length] ?? 0) };
      });
      await (await Writer.of(storage)).write({
        journal: moments
          .toSorted((a, b) => a.receivedAt - b.receivedAt)
          .map(({ at, receivedAt }, revision) => journalOf({ revision, at, receivedAt })),
      });
      const span = { ...SPAN, from, to: from + 20 * HOUR };
      const expected = moments.map(({ at }) => at).filter((at) => at >= span.from && at < span.to);
      for (const most of [100, 4, 1]) {
        expect((await allOf(storage, span, most)).map(({ at }) => at)).toEqual(expected);
      }
    });
  });

  describe('a stretch of samples', () => {
    test('looks at a bounded number of turns, whatever it finds in them', async () => {
      await using subject = await open();
      const { storage } = subject;
      await (await Writer.of(storage)).write({
        journal: Array.from({ length: 200 }, (_, n) =>
          journalOf({ revision: n, at: NOW + n * HOUR, receivedAt: NOW + n * HOUR }),
        ),
      });
      const span = { ...SPAN, to: NOW + 200 * HOUR };
      const found = await stretches(storage, span, 20);
      expect(found.every(({ length }) => length <= 20)).toBe(true);
      expect(found.flat()).toHaveLength(200);
      // As many where none of them has it
      const without = await stretches(storage, { ...span, measurement: 'none' }, 20);
      expect(without.flat()).toEqual([]);
      expect(without).toHaveLength(found.length);
    });

    test('goes on through turns that came in at one moment, or happened at one', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const values = Array.from({ length: 50 }, (_, n) => n);
      const told = (temperature: number) => ({ type: 'telemetry', temperature });
      // A gateway's backlog, and then a device whose clock stands still
      await writer.write({
        journal: [
          ...values.map((n) =>
            journalOf({
              revision: n,
              at: NOW + n * MINUTE,
              receivedAt: NOW + HOUR,
              event: told(n),
            }),
          ),
          ...values.map((n) =>
            journalOf({
              revision: 50 + n,
              at: NOW,
              receivedAt: NOW + (n + 2) * HOUR,
              event: told(n),
            }),
          ),
        ],
      });
      const found = await stretches(storage, SPAN, 10);
      expect(found.every(({ length }) => length <= 20)).toBe(true);
      expect(found.flat().map(({ value }) => value)).toEqual([0, ...values, ...values.slice(1)]);
    });

    test('has all that is dense, and nothing twice', async () => {
      await using subject = await open();
      const { storage } = subject;
      const moments = Array.from({ length: 180 }, (_, n) => NOW + n * 20_000);
      await (await Writer.of(storage)).write({
        journal: moments.map((at, revision) => journalOf({ revision, at, receivedAt: at + 5 })),
      });
      const found = await stretches(storage, SPAN, 10);
      expect(found.length).toBeGreaterThan(3);
      expect(found.flat().map(({ at }) => at)).toEqual(moments);
    });
  });
}
