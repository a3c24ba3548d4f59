import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from './testing/package-root.ts';

const read = (path: string) => readFileSync(new URL(path, PACKAGE_ROOT), 'utf8');
const README = read('engine/README.md');

/** Rooms without an order: what stands in them is for tests. */
const APART = ['testing'];

/** The rooms in the table of a section of the README. */
function roomsBelow(heading: string): (string | undefined)[] {
  const [, rest = ''] = README.split(`\n${heading}\n`);
  const [section = ''] = rest.split('\n## ');
  return [...section.matchAll(/^\| `(\w+)\/`/gm)].map(([, room]) => room);
}

describe('the rooms of the engine', () => {
  const listed = roomsBelow('## Rooms');

  test('are the folders that there are', () => {
    const folders = readdirSync(new URL('engine/', PACKAGE_ROOT), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect([...listed].sort()).toEqual(folders.sort());
  });

  test('stand in the README in the order that the linter keeps', () => {
    const [, rooms = ''] = /const ROOMS = \[([^\]]*)\]/.exec(read('eslint.config.mjs')) ?? [];
    const kept = [...rooms.matchAll(/'(\w+)'/g)].map(([, room]) => room);
    expect(kept.length).toBeGreaterThan(0);
    expect(listed.filter((room) => !APART.includes(String(room)))).toEqual(kept);
  });

  test('say why each needs its size', () => {
    expect(roomsBelow('## Why it needs its size').sort()).toEqual(
      listed.filter((room) => !APART.includes(String(room))).sort(),
    );
  });
});

test('no file of the engine names an address of the API: a device or a voice may have asked', () => {
  const files = readdirSync(new URL('engine/', PACKAGE_ROOT), {
    recursive: true,
    encoding: 'utf8',
  });
  const naming = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => read(`engine/${file}`).includes('/v1/'));
  expect(naming).toEqual([]);
});

test('the README of the engine names files that there are', () => {
  const named = [...README.matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)].map(([, path]) =>
    String(path),
  );
  expect(named.length).toBeGreaterThan(40);
  const missing = named.filter(
    (path) =>
      !existsSync(new URL(`engine/${path}`, PACKAGE_ROOT)) &&
      !existsSync(new URL(path, PACKAGE_ROOT)),
  );
  expect(missing).toEqual([]);
});
