import { expect, test } from 'vitest';
import { ReadingLine } from './reading-line.ts';

/** A line whose readings end when a test says so. */
function benchOf() {
  const line = new ReadingLine();
  const begun: string[] = [];
  let end = () => {};
  return {
    line,
    begun,
    read(account: string, name: string, { signal } = new AbortController()) {
      const reading = async () => {
        begun.push(name);
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        return name;
      };
      return line.read(account, reading, signal);
    },
    /** Ends the reading under way, until all have had their turn. */
    async endAll(): Promise<void> {
      let before: number;
      do {
        before = begun.length;
        end();
        await new Promise((resolve) => setImmediate(resolve));
      } while (before !== begun.length);
    },
  };
}

test('accounts have their turns in a circle, each its own readings in their order', async () => {
  const { read, begun, endAll } = benchOf();
  const all = [read('a', 'a1'), read('a', 'a2'), read('a', 'a3')];
  all.push(read('b', 'b1'), read('c', 'c1'), read('b', 'b2'));
  await endAll();
  expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'b2']);
});

test('what nobody waits for any more is not read, and keeps no place', async () => {
  const { line, read, begun, endAll } = benchOf();
  const streams = Array.from({ length: 101 }, () => new AbortController());
  const [first, ...others] = streams.map((stream, n) => read('a', `a${n + 1}`, stream));
  await Promise.resolve();
  const last = read('b', 'b1');
  expect(line.hasRoom('a')).toBe(false);
  for (const stream of streams) stream.abort();
  expect(line.hasRoom('a')).toBe(true);
  expect(new Set(await Promise.all(others))).toEqual(new Set([null]));
  expect(await read('a', 'late', streams[0])).toBeNull();
  await endAll();
  expect(begun).toEqual(['a1', 'b1']);
  expect([await first, await last]).toEqual(['a1', 'b1']);
});

test('the fewer places are free, the fewer an account has: the next one finds some', async () => {
  const { line, read } = benchOf();
  const held: number[] = [];
  for (let account = 0; account < 13; account++) {
    let own = 0;
    for (; line.hasRoom(`${account}`); own++) void read(`${account}`, '');
    held.push(own);
  }
  expect(held.slice(0, 2)).toEqual([100, 100]);
  expect(Math.min(...held)).toBeGreaterThan(0);
});

test('a reading that fails fails who has asked, and the next one has its turn', async () => {
  const { line, read, endAll } = benchOf();
  const failing = line.read(
    'a',
    () => Promise.reject(new Error('away')),
    new AbortController().signal,
  );
  const next = read('a', 'a2');
  await expect(failing).rejects.toThrow('away');
  await endAll();
  expect(await next).toBe('a2');
});
