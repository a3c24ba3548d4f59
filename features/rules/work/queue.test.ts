import { expect, it } from 'vitest';
import { Queue } from './queue.ts';

const NEVER = new AbortController().signal;

/** Work that ends when it is told to. */
function work() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { run: () => ended, end };
}

it('runs one job at a time, and each account in turn', async () => {
  const queue = new Queue({ mostOfOne: 5, most: 10 });
  const order: string[] = [];
  const add = (account: string, name: string) =>
    queue.add(account, true, NEVER, async () => void order.push(name));
  await Promise.all([
    add('a', 'a1'),
    add('a', 'a2'),
    add('a', 'a3'),
    add('b', 'b1'),
    add('b', 'b2'),
  ]);
  expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

it('runs first the job of who has had none for longest', async () => {
  const queue = new Queue({ mostOfOne: 5, most: 10 });
  const order: string[] = [];
  const add = (account: string) =>
    queue.add(account, true, NEVER, async () => void order.push(account));
  await Promise.all(['a', 'b', 'c'].map(add));
  order.length = 0;
  await Promise.all([add('c'), add('b'), add('a'), add('new')]);
  // `c` was first, as nobody else was there
  expect(order).toEqual(['c', 'new', 'a', 'b']);
});

it('refuses an account that has as many as it may, and nobody else', async () => {
  const queue = new Queue({ mostOfOne: 2, most: 10 });
  const first = work();
  const jobs = [
    queue.add('a', true, NEVER, first.run),
    queue.add('a', true, NEVER, async () => {}),
  ];
  expect(() => queue.add('a', true, NEVER, async () => {})).toThrow(
    expect.objectContaining({ code: 'too-many-requests' }),
  );
  jobs.push(queue.add('b', true, NEVER, async () => {}));
  // What the server itself has begun is to end
  jobs.push(queue.add('a', false, NEVER, async () => {}));
  first.end();
  await Promise.all(jobs);
  await queue.add('a', true, NEVER, async () => {});
});

it('refuses everybody when too many wait', async () => {
  const queue = new Queue({ mostOfOne: 2, most: 2 });
  const first = work();
  const jobs = ['a', 'b', 'c'].map((name) => queue.add(name, true, NEVER, first.run));
  expect(queue).toMatchObject({ depth: 2, isRunning: true });
  expect(() => queue.add('d', true, NEVER, async () => {})).toThrow(
    expect.objectContaining({ code: 'overloaded', retryable: true }),
  );
  first.end();
  await Promise.all(jobs);
});

it('forgets a job whose caller leaves while it waits', async () => {
  const queue = new Queue({ mostOfOne: 2, most: 2 });
  const first = work();
  const running = queue.add('a', true, NEVER, first.run);
  const gone = new AbortController();
  let ran = false;
  const left = queue.add('b', true, gone.signal, async () => {
    ran = true;
  });
  gone.abort();
  await expect(left).rejects.toMatchObject({ code: 'timeout' });
  first.end();
  await running;
  expect(queue).toMatchObject({ depth: 0 });
  expect(ran).toBe(false);
});

it('takes nothing that nobody waits for any more', async () => {
  const queue = new Queue({ mostOfOne: 2, most: 10 });
  const late = () => queue.add('a', true, AbortSignal.abort(), () => Promise.reject(new Error()));
  expect(late).toThrow(expect.objectContaining({ code: 'timeout' }));
  expect(queue.isRunning).toBe(false);
});
