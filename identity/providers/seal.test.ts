import { expect, test } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { Seal } from './seal.ts';

const [FORMER, NEXT] = ['the former secret', 'the next secret'];

test('what is sealed is read by who has the secret, for its purpose, for a while', async () => {
  const clock = new ManualClock();
  const seal = (purpose: string, secrets: string[]) =>
    new Seal<{ of: string }>({ purpose, secrets, lastsMs: 60_000, clock });
  const sealed = await seal('one', [FORMER]).close({ of: 'Ada' });
  expect(sealed).not.toContain(Buffer.from('Ada').toString('base64url'));
  expect(await seal('one', [NEXT, FORMER]).open(sealed)).toEqual({ of: 'Ada' });
  expect(await seal('one', [NEXT]).open(sealed)).toBeNull();
  expect(await seal('another', [FORMER]).open(sealed)).toBeNull();
  clock.advance(60_000);
  expect(await seal('one', [FORMER]).open(sealed)).toBeNull();
});

test('what is sealed for good does not end', async () => {
  const clock = new ManualClock();
  const seal = new Seal({ purpose: 'one', secrets: [NEXT], lastsMs: null, clock });
  const sealed = await seal.close({ of: 'Ada' });
  clock.advance(1_000 * 86_400_000);
  expect(await seal.open(sealed)).toEqual({ of: 'Ada' });
});

test('what is not sealed is not read', async () => {
  const seal = new Seal({ purpose: 'one', secrets: [NEXT], lastsMs: 60_000, clock: Date });
  const sealed = await seal.close({ of: 'Ada' });
  const parts = sealed.split('.');
  const broken = parts.map((_part, at) =>
    parts.map((part, n) => (n === at ? 'x' : part)).join('.'),
  );
  for (const text of ['', 'x', '....', 'a.b.c.d.e', `${sealed}.x`, `${sealed}x`, ...broken]) {
    expect(await seal.open(text)).toBeNull();
  }
});
