import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hashPassword } from './passwords.ts';
import { Semaphore } from './semaphore.ts';

/** Work that ends when it is told to. */
function slow(): { work: () => Promise<string>; begun: () => boolean; end: () => void } {
  let begun = false;
  let end = () => {};
  const ended = new Promise<string>((resolve) => {
    end = () => resolve('done');
  });
  const work = () => {
    begun = true;
    return ended;
  };
  return { work, begun: () => begun, end: () => end() };
}

describe('a semaphore', () => {
  it('lets a few at work, the next in the order of their coming, and sends away whom it has no room for', async () => {
    const semaphore = new Semaphore({ atOnce: 1, inLine: 2 });
    const [first, second, third] = [slow(), slow(), slow()];
    const passes = [first, second, third].map(({ work }) => semaphore.pass(work));
    await expect(semaphore.pass(async () => 'never')).rejects.toMatchObject({
      code: 'too-many-tries',
      retryAfterMs: expect.any(Number) as number,
    });
    expect([first, second, third].map(({ begun }) => begun())).toEqual([true, false, false]);
    first.end();
    await passes[0];
    await setImmediate();
    expect([second, third].map(({ begun }) => begun())).toEqual([true, false]);
    second.end();
    third.end();
    expect(await Promise.all(passes)).toEqual(['done', 'done', 'done']);
  });

  it('has room again when work has failed', async () => {
    const semaphore = new Semaphore({ atOnce: 1, inLine: 0 });
    const failing = semaphore.pass(() => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(await semaphore.pass(async () => 'done')).toBe('done');
  });
});

describe('a flood of passwords', () => {
  it('leaves threads to the rest of the process: few are hashed at a time, and most are sent away', async () => {
    const tries = Array.from({ length: 60 }, () => hashPassword('correct horse battery staple'));
    const outcomes = await Promise.allSettled(tries);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(60 - 18);
    expect(refused[0]).toMatchObject({ reason: { code: 'too-many-tries' } });
    expect(await hashPassword('correct horse battery staple')).toMatch(/^\$argon2id\$/);
  });
});
