import { expect, it } from 'vitest';
import { accountOf, type Principal } from './principal.ts';

it('counts on the account of a home all that the home can make more of', () => {
  const key = { type: 'key', home: 'h1', scopes: [], expiresAt: null } as const;
  const made: Principal[] = [
    { ...key, key: 'k1' },
    { ...key, key: 'k2' },
    { type: 'device', home: 'h1', twin: 'lamp' },
    { type: 'gateway', home: 'h1', gateway: 'g', session: 's' },
    { type: 'hook', home: 'h1', rule: 'r', hook: 'ring' },
  ];
  expect(new Set(made.map(accountOf))).toEqual(new Set(['home:h1']));
});

it('counts people, and keys of the platform, each by themselves', () => {
  const person = { type: 'person', person: 'p', session: 's', isAdmin: false } as const;
  expect(accountOf(person)).toBe('person:p');
  expect(accountOf({ ...person, session: 'other' })).toBe('person:p');
  expect(accountOf({ type: 'key', key: 'k', home: null, scopes: [], expiresAt: null })).toBe(
    'key:k',
  );
});
