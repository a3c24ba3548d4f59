import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ManualClock } from '../engine/index.ts';
import { tidyRegularly } from './upkeep.ts';

const SIX_HOURS_MS = 6 * 60 * 60_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('tidies at once and every six hours; one that fails keeps no other from it', async () => {
  const clock = new ManualClock();
  const done: string[] = [];
  const told: unknown[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => told.push(JSON.parse(line)) });
  const works = ['a', 'b', 'c'].map((what) => ({
    what,
    tidy: async () => {
      if (what === 'b') throw new Error('away');
      done.push(what);
    },
  }));
  const tidying = tidyRegularly(works, clock, logger);
  await turn();
  expect(done).toEqual(['a', 'c']);
  expect(told).toMatchObject([{ what: 'b', err: { message: 'away' } }]);
  clock.advance(SIX_HOURS_MS);
  await turn();
  expect(done).toEqual(['a', 'c', 'a', 'c']);
  await tidying[Symbol.asyncDispose]();
  clock.advance(SIX_HOURS_MS);
  await turn();
  expect(done).toHaveLength(4);
});

it('that stops waits for what is under way, and begins nothing more', async () => {
  const done: string[] = [];
  let finish = () => {};
  const first = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const works = [
    { what: 'slow', tidy: () => first.then(() => void done.push('slow')) },
    { what: 'next', tidy: async () => void done.push('next') },
  ];
  const tidying = tidyRegularly(works, new ManualClock(), pino({ level: 'silent' }));
  await turn();
  const stopped = tidying[Symbol.asyncDispose]().then(() => done.push('stopped'));
  finish();
  await stopped;
  expect(done).toEqual(['slow', 'stopped']);
});
