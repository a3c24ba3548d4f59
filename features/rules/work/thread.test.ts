import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ReadingStorage } from '../../../engine/index.ts';
import { Thread } from './thread.ts';

const NEVER = new AbortController().signal;

/** A thread that runs this in place of jobs; `port` is what it speaks through, `input` what it was given. */
function threadOf(code: string, storage: Partial<ReadingStorage> = {}, timeMs = 20_000) {
  const text = `
    import { parentPort as port } from 'node:worker_threads';
    const done = (output) => port.postMessage({ type: 'done', output });
    port.on('message', (message) => {
      if (message.type !== 'job') return done(message);
      const { input } = message;
      ${code}
    });`;
  const thread = new Thread({
    storage: storage as ReadingStorage,
    file: new URL(`data:text/javascript,${encodeURIComponent(text)}`),
    kindsDir: null,
    memoryMb: 64,
    timeMs,
  });
  const run = (input: unknown, signal: AbortSignal = NEVER) =>
    thread.do({ job: 'read', input, home: 'mine' }, signal);
  return { run, [Symbol.asyncDispose]: () => thread.end() };
}

it('refuses a job that needs more memory than it may have, and does the next one', async () => {
  await using thread = threadOf(`
    if (input === 'small') done('well');
    else for (const all = []; ; ) all.push(new Array(100_000).fill(all.length));`);
  await expect(thread.run('large')).rejects.toMatchObject({
    ...{ code: 'bad-input', message: 'it takes more than 64 MB of memory' },
  });
  expect(await thread.run('small')).toBe('well');
});

it('refuses a job that takes longer than it may, and does the next one', async () => {
  await using thread = threadOf(`if (input === 'short') done('well'); else for (;;);`, {}, 1_000);
  await expect(thread.run('long')).rejects.toMatchObject({
    ...{ code: 'bad-input', message: 'it takes more than 1 s' },
  });
  expect(await thread.run('short')).toBe('well');
});

it('leaves a job that nobody waits for any more, whatever it does', async () => {
  await using thread = threadOf(`if (input === 'short') done('well'); else for (;;);`);
  const gone = new AbortController();
  const left = expect(thread.run('long', gone.signal)).rejects.toMatchObject({ code: 'timeout' });
  await sleep(0);
  gone.abort();
  await left;
  expect(await thread.run('short')).toBe('well');
});

it('says that a thread has failed to whoever waits, and begins another', async () => {
  await using thread = threadOf(
    `if (input === 'good') done('well'); else throw new Error('broken');`,
  );
  await expect(thread.run('bad')).rejects.toThrow('broken');
  expect(await thread.run('good')).toBe('well');
});

it.each([
  ['getTwin', { home: 'mine', twin: 'a' }, true],
  ['listTwins', 'mine', true],
  ['getTwin', { home: 'theirs', twin: 'a' }, false],
  ['listTwins', 'theirs', false],
  ['getTwin', null, false],
  ['deleteHome', 'mine', false],
])('reads with %s of %j: %s', async (verb, first, isRead) => {
  const read = async () => 'row';
  const storage = { getTwin: read, listTwins: read, deleteHome: read } as never;
  await using thread = threadOf(`port.postMessage({ type: 'ask', ask: 1, ...input });`, storage);
  expect(await thread.run({ verb, args: [first] })).toMatchObject(
    isRead ? { type: 'answer', value: 'row' } : { type: 'no answer' },
  );
});
