import { describe, expect, test } from 'vitest';
import { EngineError } from '../model/errors.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { flaky } from '../testing/flaky-storage.ts';
import { lamp } from '../testing/lamp.ts';

const letters = async ({ storage }: EngineBench) =>
  (await storage.listDeadLetters(null, { limit: 10 })).items;

describe('a retry in vain', () => {
  test.each([
    ['the machine throws', { type: 'explode' }, 'machine-failed'],
    ['the kind refuses', { type: 'telemetry', power: 1e308 }, 'bad-input'],
  ])('of an event that %s leaves its one letter', async (_what, event, code) => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('a', { type: 'telemetry', power: 1 });
    await bench.send('a', event);
    const before = await letters(bench);
    expect(before).toMatchObject([{ code }]);
    for (let times = 0; times < 2; times++) {
      const retried = await bench.engine.retryDeadLetter(before[0]?.id ?? '');
      expect(retried).toEqual({ resolved: false, letter: before[0], reason: before[0]?.error });
    }
    expect(await letters(bench)).toEqual(before);
  });

  test('of an event that the store refuses leaves its one letter', async () => {
    await using storage = flaky(await openSqlite(':memory:', { deadLettersPerHome: 10 }));
    await using bench = await startEngine({ kinds: [lamp], storage });
    await bench.send('a', { type: 'telemetry', power: 666 }, { ifUnknown: 'reject' });
    await bench.send('a', { type: 'telemetry', power: 1 });
    const before = await letters(bench);
    expect(before).toHaveLength(1);
    storage.fail.set('commit', new Error('invalid byte sequence'));
    expect(await bench.engine.retryDeadLetter(before[0]?.id ?? '')).toMatchObject({
      resolved: false,
      reason: expect.stringContaining('invalid byte sequence'),
    });
    storage.fail.clear();
    expect(await letters(bench)).toEqual(before);
  });

  test('of an event without a home leaves its one letter until there is one', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('a', { type: 'telemetry', power: 1 }, { ifUnknown: 'reject' });
    const [letter] = await letters(bench);
    expect(await bench.engine.retryDeadLetter(letter?.id ?? '')).toMatchObject({
      resolved: false,
      reason: 'there is no twin h1/a',
    });
    expect(await letters(bench)).toEqual([letter]);
    await bench.send('a', { type: 'telemetry' });
    expect(await bench.engine.retryDeadLetter(letter?.id ?? '')).toMatchObject({ resolved: true });
    expect(await letters(bench)).toEqual([]);
  });
});

describe('a packet', () => {
  const bury = async (bench: EngineBench) => {
    await bench.engine.bury({
      ...{ source: 'mqtt', home: null, twin: null, topic: 'x', payload: Buffer.from('{') },
      ...{ code: 'bad-input', error: 'not JSON', hint: 'Send JSON.' },
    });
    const [letter] = await letters(bench);
    return { letter, retry: () => bench.engine.retryDeadLetter(letter?.id ?? '') };
  };

  test('that still cannot be read says why, and stays', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const { letter, retry } = await bury(bench);
    expect(await retry()).toMatchObject({
      resolved: false,
      reason: expect.stringContaining('mqtt'),
    });
    using _source = bench.engine.addPacketSource('mqtt', async () => {
      throw new EngineError('bad-input', 'still not JSON');
    });
    expect(await retry()).toEqual({ resolved: false, letter, reason: 'still not JSON' });
    expect(await letters(bench)).toEqual([letter]);
  });

  test.each([
    ['is worth another try', new EngineError('overloaded', 'full')],
    ['is a bug', new TypeError('oops')],
  ])('fails as a request where what stops it %s', async (_what, error) => {
    await using bench = await startEngine({ kinds: [lamp] });
    const { letter, retry } = await bury(bench);
    using _source = bench.engine.addPacketSource('mqtt', () => Promise.reject(error));
    await expect(retry()).rejects.toBe(error);
    expect(await letters(bench)).toEqual([letter]);
  });
});
