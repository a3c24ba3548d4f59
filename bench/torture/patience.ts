import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 25;

/** @throws Error that says what was waited for, when it takes longer than any promise allows */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const ends = new AbortController();
  const late = sleep(ms, null, ends).then(() => {
    throw new Error(`${what}: not within ${ms / 1_000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    ends.abort();
    late.catch(() => {}); // the wait was given up
  }
}

/** Looks again and again until it is so. @throws Error when that takes longer than `ms` */
export async function until(ms: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > ms) throw new Error(`${what}: not within ${ms / 1_000} s`);
    await sleep(LOOK_MS);
  }
}
