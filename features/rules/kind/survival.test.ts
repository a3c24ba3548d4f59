import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../engine/model/manual-clock.ts';
import { openSqlite } from '../../../engine/storage/sqlite/open.ts';
import { startRules } from '../testing/rule-bench.ts';

const MINUTE = 60_000;
const RULE = `rule: airing
triggers: [{ twin: window, path: reported.contact, to: false, for: 10m }]
actions:
  - set: { twin: fan, desired: { on: true } }
  - delay: 5m
  - set: { twin: fan, desired: { on: false } }
`;

it.each([
  ['spring, in the hold', '2026-03-29T00:52:00Z'],
  ['spring, in the delay', '2026-03-29T00:48:00Z'],
  ['autumn, in the hold', '2026-10-25T00:52:00Z'],
  ['autumn, in the delay', '2026-10-25T00:48:00Z'],
])('a rule restarted in each wait finishes on time over the clocks of %s', async (_when, start) => {
  const folder = mkdtempSync(join(tmpdir(), 'homeostat-rule-'));
  const clock = new ManualClock(Date.parse(start));
  const began = clock.now();
  const inProcess = async (
    run: (home: Awaited<ReturnType<typeof startRules>>) => Promise<void>,
  ) => {
    await using storage = await openSqlite(join(folder, 'rules.db'), { deadLettersPerHome: 10 });
    await using home = await startRules({ storage, clock });
    await run(home);
  };
  try {
    await inProcess(async (home) => {
      await home.tell('fan', { type: 'telemetry', on: false }, 'relay');
      await home.define(RULE);
      await home.tell('window', { type: 'telemetry', contact: false });
      await home.pass(6 * MINUTE);
    });
    await inProcess(async (home) => {
      await home.pass(4 * MINUTE - 1);
      expect(await home.desired('fan')).toEqual({});
      await home.pass(1);
      expect(await home.desired('fan')).toEqual({ on: true });
      await home.pass(2 * MINUTE);
    });
    await inProcess(async (home) => {
      await home.pass(3 * MINUTE - 1);
      expect(await home.desired('fan')).toEqual({ on: true });
      await home.pass(1);
      expect(await home.desired('fan')).toEqual({ on: false });
      expect(await home.reported('airing')).toMatchObject({ runs: 1, lastOutcome: 'finished' });
      expect(clock.now() - began).toBe(15 * MINUTE);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
