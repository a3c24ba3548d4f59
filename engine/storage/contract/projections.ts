import { describe, expect, test } from 'vitest';
import type { ProjectedKey } from '../../model/rows.ts';
import type { ProjectionStep, Storage } from '../port.ts';
import { homeOf, journalOf, NOW, twinOf } from './sample-rows.ts';
import { type OpenSubject, Writer } from './subject.ts';

const NAME = 'p';
const OF_TWIN: ProjectedKey = { home: 'h', twin: 't', key: 'k' };
const OF_HOME: ProjectedKey = { home: 'h', twin: '', key: 'k' };
/** The incarnations of `homeOf` and `twinOf`. */
const LIFE = { h: homeOf().incarnation, t: twinOf().incarnation };

function put(of: ProjectedKey, value: number | null, incarnation?: string) {
  return { ...of, value, incarnation: incarnation ?? (of.twin === '' ? LIFE.h : LIFE.t) };
}

function stepOf(epoch: number, parts: Partial<ProjectionStep>): ProjectionStep {
  return {
    ...{ epoch, name: NAME, generation: 1, from: 0, to: 1, puts: [] },
    ...{ first: null, appliedAt: null, skipped: 0, error: null },
    ...parts,
  };
}

/** A home with a twin, and a generation that is being built. */
async function begun(storage: Storage): Promise<Writer> {
  const writer = await Writer.of(storage);
  await writer.write({ homes: [homeOf({ id: 'h' })], twins: [twinOf()] });
  await storage.beginGeneration(NAME, 1, NOW);
  return writer;
}

async function generationOf(storage: Storage, generation = 1) {
  const { generations } = await storage.listGenerations();
  return generations.find((one) => one.generation === generation);
}

async function valuesOf(storage: Storage, generation = 1): Promise<unknown[]> {
  const { rows } = await storage.readProjected(NAME, generation, [OF_TWIN, OF_HOME]);
  return [OF_TWIN, OF_HOME].map(({ twin }) => rows.find((row) => row.twin === twin)?.value ?? null);
}

const whole = { name: NAME, home: 'h', from: '', to: '~', after: null };

export function projectionsContract(open: OpenSubject): void {
  describe('projections', () => {
    test('are built one generation at a time, and say how far they are', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await begun(storage);
      expect(await storage.beginGeneration(NAME, 2, NOW)).toBe(null);
      expect(await storage.beginGeneration('other', 7, NOW + 1)).toBe(1);
      const { generations, head } = await storage.listGenerations();
      expect(head).toBe((await writer.write({})) - 1);
      const fresh = {
        ...{ cursor: 0, start: null, since: null, appliedAt: null, builtAt: null },
        ...{ skipped: 0, error: null, status: 'building', generation: 1 },
      };
      expect(generations).toEqual([
        { ...fresh, name: 'other', version: 7, begunAt: NOW + 1 },
        { ...fresh, name: NAME, version: 1, begunAt: NOW },
      ]);
    });

    test('write rows and cursor at once, and read back what is there, with its owners', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const first = { start: 4, since: NOW };
      const step = stepOf(epoch, { to: 5, puts: [put(OF_TWIN, 1), put(OF_HOME, 2)] });
      expect(await storage.project({ ...step, first, appliedAt: NOW + 1 })).toBe(true);
      expect(await valuesOf(storage)).toEqual([1, 2]);
      expect(await generationOf(storage)).toMatchObject({
        ...{ cursor: 5, start: 4, since: NOW, appliedAt: NOW + 1, skipped: 0, error: null },
      });
      const more = {
        ...{ from: 5, to: 9, first: { start: 8, since: NOW + 9 }, skipped: 2, error: 'why' },
        puts: [put(OF_TWIN, null), put(OF_HOME, 3)],
      };
      expect(await storage.project(stepOf(epoch, more))).toBe(true);
      expect(await valuesOf(storage)).toEqual([null, 3]);
      expect(await generationOf(storage)).toMatchObject({
        ...{ cursor: 9, start: 4, since: NOW, appliedAt: NOW + 1, skipped: 2, error: 'why' },
      });
      const nobody = { home: 'nobody', twin: '', key: 'k' };
      const { owners } = await storage.readProjected(NAME, 1, [OF_TWIN, OF_HOME, nobody]);
      const byTwin = owners.toSorted((a, b) => a.twin.localeCompare(b.twin));
      expect(byTwin).toEqual([
        { home: 'h', twin: '', incarnation: LIFE.h },
        { home: 'h', twin: 't', incarnation: LIFE.t },
      ]);
      expect(await storage.readProjected(NAME, 1, [])).toEqual({ rows: [], owners: [] });
    });

    test('apply a step once: not again, not from another cursor, not of two at the same time', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const step = stepOf(epoch, { to: 5, puts: [put(OF_TWIN, 1)] });
      const outcomes = await Promise.all([1, 2, 3].map(() => storage.project(step)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await storage.project({ ...step, puts: [put(OF_TWIN, 2)] })).toBe(false);
      expect(await storage.project({ ...step, from: 6, to: 7 })).toBe(false);
      expect(await storage.project({ ...step, from: 5, name: 'none' })).toBe(false);
      expect(await valuesOf(storage)).toEqual([1, null]);
      expect(await generationOf(storage)).toMatchObject({ cursor: 5 });
    });

    test('take nothing from an engine whose claim another has taken', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const behind = await storage.listGenerations();
      await using other = (await subject.reopen?.()) ?? null;
      if (other) {
        await expect(
          other.project(stepOf(epoch - 1, { puts: [put(OF_TWIN, 1)] })),
        ).rejects.toMatchObject({ code: 'fenced' });
      }
      await expect(storage.project(stepOf(epoch + 1, {}))).rejects.toMatchObject({
        code: 'fenced',
      });
      await expect(storage.switchGeneration(epoch + 1, NAME, 1, NOW)).rejects.toMatchObject({
        code: 'fenced',
      });
      expect(await storage.listGenerations()).toEqual(behind);
    });

    test('write nothing where a part of a step cannot be stored', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const bad = { ...put(OF_HOME, 1), key: null as unknown as string };
      await expect(
        storage.project(stepOf(epoch, { to: 5, puts: [put(OF_TWIN, 1), bad] })),
      ).rejects.toThrow();
      expect(await valuesOf(storage)).toEqual([null, null]);
      expect(await generationOf(storage)).toMatchObject({ cursor: 0 });
    });

    test('leave out rows of an owner that is gone, or another by now', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const puts = [
        put(OF_TWIN, 1, 'former'),
        put(OF_HOME, 2, 'former'),
        put({ ...OF_TWIN, twin: 'nobody' }, 3),
        put({ ...OF_HOME, home: 'nowhere' }, 4),
      ];
      expect(await storage.project(stepOf(epoch, { to: 5, puts }))).toBe(true);
      expect(await valuesOf(storage)).toEqual([null, null]);
      expect(await storage.listProjected({ ...whole, twin: null }, 10)).toEqual([]);
      const own = stepOf(epoch, { from: 5, to: 6, puts: [put(OF_TWIN, 1), put(OF_HOME, 2, 'x')] });
      expect(await storage.project(own)).toBe(true);
      expect(await valuesOf(storage)).toEqual([1, null]);
    });

    test('go with their twin, and with their home', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await begun(storage);
      const { epoch } = writer;
      const both = [put(OF_TWIN, 1), put(OF_HOME, 2)];
      await storage.project(stepOf(epoch, { puts: both }));
      await storage.deleteTwin({ home: 'h', twin: 't' });
      expect(await valuesOf(storage)).toEqual([null, 2]);
      await storage.project(stepOf(epoch, { from: 1, to: 2, puts: both }));
      expect(await valuesOf(storage)).toEqual([null, 2]);
      await writer.write({ twins: [twinOf({ incarnation: 'next' })] });
      await storage.project(stepOf(epoch, { from: 2, to: 3, puts: both }));
      expect(await valuesOf(storage)).toEqual([null, 2]);
      await storage.deleteHome('h');
      expect(await valuesOf(storage)).toEqual([null, null]);
    });

    test('have nothing of a twin or a home that is deleted at the same moment', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await begun(storage);
      const { epoch } = writer;
      const twins = Array.from({ length: 20 }, (_, n) => `t${(n * 7) % 20}`);
      let from = 0;
      for (let round = 0; round < 12; round++) {
        const homes = [homeOf({ id: 'h' })];
        await writer.write({ homes, twins: twins.map((twin) => twinOf({ twin })) });
        const puts = twins.map((twin) => put({ ...OF_TWIN, twin }, round));
        const step = stepOf(epoch, { from, to: from + 1, puts: [...puts, put(OF_HOME, round)] });
        const isOfHome = round % 2 === 0;
        const deletion = () =>
          isOfHome ? storage.deleteHome('h') : storage.deleteTwin({ home: 'h', twin: 't3' });
        const [moved] = await Promise.all([storage.project(step), deletion()]);
        expect(moved).toBe(true);
        from++;
        const left = await storage.readProjected(NAME, 1, step.puts);
        expect(left.rows.map(({ twin }) => twin)).not.toContain('t3');
        expect(left.rows).toHaveLength(isOfHome ? 0 : twins.length);
      }
    });

    test('answer with the former generation until the next one takes its place', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      const listed = async () =>
        (await storage.listProjected({ ...whole, twin: 't' }, 10)).map(({ value }) => value);
      await storage.project(stepOf(epoch, { puts: [put(OF_TWIN, 1)] }));
      expect(await listed()).toEqual([]);
      expect(await storage.switchGeneration(epoch, NAME, 1, NOW + 5)).toBe(true);
      expect(await storage.switchGeneration(epoch, NAME, 1, NOW + 6)).toBe(false);
      expect(await listed()).toEqual([1]);
      expect(await generationOf(storage)).toMatchObject({ status: 'active', builtAt: NOW + 5 });
      expect(await storage.beginGeneration(NAME, 2, NOW)).toBe(2);
      const next = stepOf(epoch, { generation: 2, to: 9, puts: [put(OF_TWIN, 2)] });
      await storage.project(next);
      // The former one goes on
      await storage.project(stepOf(epoch, { from: 1, to: 2, puts: [put(OF_TWIN, 3)] }));
      expect(await listed()).toEqual([3]);
      await storage.switchGeneration(epoch, NAME, 2, NOW + 7);
      expect(await listed()).toEqual([2]);
      expect(await storage.project(stepOf(epoch, { from: 2, to: 3 }))).toBe(false);
      expect(await valuesOf(storage, 1)).toEqual([3, null]);
      expect(await storage.dropGenerations(10)).toBe(1);
      expect(await storage.dropGenerations(10)).toBe(1);
      expect(await storage.dropGenerations(10)).toBe(0);
      expect(await valuesOf(storage, 1)).toEqual([null, null]);
      expect(await valuesOf(storage, 2)).toEqual([2, null]);
      expect((await storage.listGenerations()).generations).toHaveLength(1);
    });

    test('that no definition names are retired, and end where they were being built', async () => {
      await using subject = await open();
      const { storage } = subject;
      const { epoch } = await begun(storage);
      await storage.project(stepOf(epoch, { puts: [put(OF_TWIN, 1)] }));
      await storage.switchGeneration(epoch, NAME, 1, NOW);
      await storage.beginGeneration(NAME, 1, NOW);
      await storage.beginGeneration('kept', 1, NOW);
      await storage.retireProjections(['kept']);
      const { generations } = await storage.listGenerations();
      expect(generations.map(({ name, generation, status }) => [name, generation, status])).toEqual(
        [
          ['kept', 1, 'building'],
          [NAME, 1, 'retired'],
          [NAME, 2, 'ended'],
        ],
      );
      expect(await storage.project(stepOf(epoch, { from: 1, to: 2 }))).toBe(false);
      expect(await storage.listProjected({ ...whole, twin: 't' }, 10)).toHaveLength(1);
      // Its definition returns
      await storage.beginGeneration(NAME, 2, NOW);
      await storage.switchGeneration(epoch, NAME, 3, NOW);
      expect(await generationOf(storage, 3)).toMatchObject({ status: 'active', version: 2 });
      await storage.beginGeneration(NAME, 2, NOW);
      await storage.endGeneration(NAME, 4);
      await storage.endGeneration(NAME, 3);
      expect(await generationOf(storage, 4)).toMatchObject({ status: 'ended' });
      expect(await generationOf(storage, 3)).toMatchObject({ status: 'active' });
    });

    test('are read by ranges of keys, as bytes, of one twin or of each, page by page', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await begun(storage);
      const { epoch } = writer;
      await writer.write({ twins: [twinOf({ twin: 'B' }), twinOf({ twin: 'a' })] });
      const keys = ['2026-01-01', '2026-01-02', '2026-01-03', 'Z', 'a', 'ä', '\u0000x'];
      const puts = ['B', 'a', 't', ''].flatMap((twin) =>
        keys.map((key, n) => put({ home: 'h', twin, key }, n)),
      );
      await storage.project(stepOf(epoch, { puts }));
      await storage.switchGeneration(epoch, NAME, 1, NOW);
      const read = async (parts: object, limit = 100) => {
        const rows = await storage.listProjected({ ...whole, twin: 't', ...parts }, limit);
        return rows.map(({ twin, key }) => `${twin} ${key}`);
      };
      const days = { from: '2026-01-01', to: '2026-01-03' };
      expect(await read(days)).toEqual(['t 2026-01-01', 't 2026-01-02']);
      expect(await read({ from: 'Z', to: 'b' })).toEqual(['t Z', 't a']);
      expect(await read({ twin: '', ...days }, 1)).toEqual([' 2026-01-01']);
      const each = { twin: null, ...days };
      const first = await read(each, 3);
      expect(first).toEqual(['B 2026-01-01', 'a 2026-01-01', 't 2026-01-01']);
      const after = { twin: 't', key: '2026-01-01' };
      expect(await read({ ...each, after }, 3)).toEqual([
        'B 2026-01-02',
        'a 2026-01-02',
        't 2026-01-02',
      ]);
      expect(await read({ ...days, home: 'other' })).toEqual([]);
    });

    test('read the log in slices that are whole positions', async () => {
      await using subject = await open();
      const { storage } = subject;
      const writer = await Writer.of(storage);
      const write = async (seq: number, count: number, home = 'h') => {
        const journal = Array.from({ length: count }, (_, n) =>
          journalOf({ home, revision: seq * 100 + n }),
        );
        await writer.write({ journal, seq });
      };
      await write(10, 3);
      await write(5_000_000, 40);
      await write(1_800_000_000_000, 2);
      const seqs = async (after: number, upTo: number, limit: number) => {
        const { rows, upTo: reached } = await storage.readLogSlice(after, upTo, limit);
        expect(rows.every(({ seq }) => seq > after && seq <= reached)).toBe(true);
        expect(rows).toEqual(await storage.readLog(after, reached));
        return { count: rows.length, reached };
      };
      let at = 0;
      const counts: number[] = [];
      while (at < 2_000_000_000_000) {
        const { count, reached } = await seqs(at, 2_000_000_000_000, 16);
        expect(count).toBeLessThanOrEqual(16);
        expect(reached).toBeGreaterThan(at);
        at = reached;
        counts.push(count);
      }
      expect(counts.reduce((sum, count) => sum + count)).toBe(45);
      expect(counts.length).toBeLessThan(30);
      expect(await seqs(0, 9, 16)).toEqual({ count: 2, reached: 9 });
      expect(await seqs(10, 10, 16)).toEqual({ count: 0, reached: 10 });
    });
  });
}
