import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openSqlite } from '../storage/sqlite/open.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import { effectId, lifeOf, observedId, turnOfId } from './turn-ids.ts';

const at = { home: 'flat', twin: 'th' };
const LAMP = { home: 'h1', twin: 'lamp' };
const by = { principal: 'ada', source: 'rest' };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ids-'));
  folders.push(made);
  return made;
}

describe('an id', () => {
  test('names its turn, and its life', () => {
    const life = lifeOf('i1', 7);
    expect(effectId(at, 3, life, 0)).toBe(`flat/th@3.${life}#0`);
    expect(turnOfId(effectId(at, 3, life, 0))).toEqual({ ...at, revision: 3, life });
    expect(turnOfId(observedId(at, 3, life, 'rule'))).toEqual({ ...at, revision: 3, life });
  });

  test('of before there were lives is what it was', () => {
    expect(effectId(at, 3, lifeOf('', 0), 0)).toBe('flat/th@3#0');
    expect(turnOfId('flat/th@3#0~x')).toEqual({ ...at, revision: 3, life: '' });
  });

  test('differs in each incarnation and each epoch', () => {
    const lives = [lifeOf('', 1), lifeOf('i1', 1), lifeOf('i2', 1), lifeOf('i1', 2)];
    expect(new Set(lives).size).toBe(4);
  });
});

async function commandOf(bench: EngineBench, on: boolean): Promise<string> {
  const intent = await bench.engine.command(LAMP, { name: 'switch', args: { on } }, by);
  return intent.id;
}

describe('no id comes twice with another meaning', () => {
  test('when a twin is deleted and made anew', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('lamp', { type: 'telemetry', on: false });
    const former = await commandOf(bench, true);
    await bench.engine.deleteTwin(LAMP, by);
    await bench.send('lamp', { type: 'telemetry', on: false });
    const present = await commandOf(bench, false);
    expect(former).not.toBe(present);
    // What the device says late of the former command is nothing of the present one
    await bench.send('lamp', { type: 'ack', intent: former, ok: false, error: 'no' });
    expect(await bench.engine.getIntent('h1', present)).toMatchObject({ status: 'sent' });
  });

  test('when a database goes back to a backup', async () => {
    const path = join(folder(), 'h.db');
    const backup = join(folder(), 'backup.db');
    const options = { deadLettersPerHome: 10 };
    let draw = 0.1;
    const start = async (file: string) => {
      const storage = await openSqlite(file, options);
      const bench = await startEngine({ kinds: [lamp], storage, random: () => draw });
      return {
        bench,
        stop: async () => {
          await bench[Symbol.asyncDispose]();
          await storage[Symbol.asyncDispose]();
        },
      };
    };
    const first = await start(path);
    await first.bench.send('lamp', { type: 'telemetry', on: false });
    await first.stop();
    copyFileSync(path, backup);
    draw = 0.4;
    const original = await start(path);
    const former = await commandOf(original.bench, true);
    await original.stop();
    draw = 0.7;
    const restored = await start(backup);
    const present = await commandOf(restored.bench, false);
    expect(turnOfId(present)?.revision).toBe(turnOfId(former)?.revision);
    expect(present).not.toBe(former);
    expect(await restored.bench.engine.replay(LAMP)).toMatchObject({ ok: true });
    await restored.stop();
  });

  test('and turns of several epochs replay to the stored state, ids and all', async () => {
    const path = join(folder(), 'h.db');
    for (const draw of [0.2, 0.5, 0.9]) {
      const storage = await openSqlite(path, { deadLettersPerHome: 10 });
      const bench = await startEngine({ kinds: [lamp], storage, random: () => draw });
      await bench.send('lamp', { type: 'telemetry', on: false });
      await commandOf(bench, true);
      expect(await bench.engine.replay(LAMP)).toMatchObject({ ok: true, from: 0 });
      await bench[Symbol.asyncDispose]();
      await storage[Symbol.asyncDispose]();
    }
  });
});

describe('an id of a sender', () => {
  test.each(['h1/lamp@1#0', 'h1/lamp@1.abcdefgh#0', '~h1/lamp@1#0'])(
    '%s is none of the engine’s',
    async (id) => {
      await using bench = await startEngine({ kinds: [lamp] });
      await bench.send('lamp', { type: 'telemetry', on: false }, { id });
      const again = await bench.send('lamp', { type: 'telemetry', on: false }, { id });
      expect(again.status).toBe('duplicate');
      const { items } = await bench.storage.listJournal(LAMP, { limit: 10 });
      const [row] = items;
      expect(row?.eventId).toBe(`~${id}`);
      expect(turnOfId(row?.eventId ?? '')).toBeNull();
      expect(row?.correlation).toBe(`~${id}`);
    },
  );

  test('with nothing of the engine’s in it stays as it is', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('lamp', { type: 'telemetry', on: false }, { id: 'desk-1' });
    const { items } = await bench.storage.listJournal(LAMP, { limit: 1 });
    expect(items[0]?.eventId).toBe('desk-1');
  });
});
