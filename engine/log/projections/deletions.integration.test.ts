import { describe, expect, test } from 'vitest';
import type { Storage } from '../../storage/port.ts';
import { bothStores } from '../../testing/both-stores.ts';
import { startEngine } from '../../testing/engine-bench.ts';
import { lamp } from '../../testing/lamp.ts';
import type { Projection } from './projection.ts';

const BY = { principal: 'admin', source: 'rest' };
const ADDRESS = { home: 'h1', twin: 'a' };

/** What a twin's turns have told, with their revisions: those of a former twin of its name show. */
const seen: Projection<string[]> = {
  ...{ name: 'seen', version: 1 },
  keysOf: () => [{ of: 'twin', key: 'turns' }],
  apply: (value, { event, revision }) => [...(value ?? []), `${event['power']}@${revision}`],
};

describe.each(bothStores())('projections on %s', (_name, open) => {
  test.each(['before', 'after'])(
    'have all turns of a twin that is made anew while a slice of the log is read: %s the store has read it',
    async (moment) => {
      await using storage = await open();
      let meanwhile: (() => Promise<void>) | null = null;
      const slow: Storage = {
        ...storage,
        async readLogSlice(...given) {
          const run = meanwhile;
          meanwhile = null;
          if (moment === 'before') await run?.();
          const slice = await storage.readLogSlice(...given);
          if (moment === 'after') await run?.();
          return slice;
        },
      };
      await using bench = await startEngine({
        ...{ kinds: [lamp], storage: slow, projections: [seen] },
      });
      const { engine } = bench;
      const report = (twin: string, power: number) =>
        bench.send(twin, { type: 'telemetry', power });
      for (const twin of ['a', 'b', 'a']) await report(twin, 1);
      await bench.pass(1_000);
      // Memory forgets what has been read when something comes
      await report('b', 1);
      await bench.pass(1_000);
      let renewals = 0;
      meanwhile = async () => {
        await engine.deleteTwin(ADDRESS, BY);
        for (let n = 0; n < 3; n++) await report('a', 2);
        renewals++;
      };
      await engine.rebuildProjection('seen');
      await bench.pass(1_000);
      await bench.pass(1_000);
      expect(renewals).toBe(1);
      const of = { name: 'seen', home: 'h1', twin: null, from: '', to: '~', after: null };
      const rows = await engine.listProjected(of, 10);
      expect(rows.map(({ twin, value }) => [twin, value])).toEqual([
        ['a', expect.arrayContaining(['2@1', '2@2', '2@3'])],
        ['b', expect.arrayContaining(['1@1'])],
      ]);
      expect(rows[0]?.value).not.toContain('1@1');
      expect(await engine.listProjections()).toMatchObject([{ generation: 2, status: 'active' }]);
    },
  );
});
