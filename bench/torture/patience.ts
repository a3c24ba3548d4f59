import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 25;

/** What is waited for now. */
const waits = new Set<{ what: string }>();

/** What a case that was broken off was waiting for. */
export function waitedFor(): string {
  const all = [...waits].map(({ what }) => what);
  return all.length === 0 ? 'something without a name' : all.join(', ');
}

/** @throws Error that says what was waited for, when it takes longer than any promise allows */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const ends = new AbortController();
  const wait = { what };
  waits.add(wait);
  const late = sleep(ms, null, ends).then(() => {
    throw new Error(`${what}: not within ${ms / 1_000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    waits.delete(wait);
    ends.abort();
    late.catch(() => {}); // the wait was given up
  }
}

/** Looks again and again until it is so. @throws Error when that takes longer than `ms` */
export async function until(ms: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  let isOver = false;
  const looks = async () => {
    while (!isOver && !(await isSo())) await sleep(LOOK_MS);
  };
  try {
    await within(ms, what, looks());
  } finally {
    isOver = true;
  }
}
