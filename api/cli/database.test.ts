import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assertIsThere, shownUrl } from './database.ts';

test('a database file that is not there is not made by a command that reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'homeostat-there-'));
  try {
    const path = join(folder, 'homeostat.db');
    expect(() => assertIsThere(`sqlite:${path}`)).toThrow(`there is no database ${path}`);
    writeFileSync(path, '');
    assertIsThere(`sqlite:${path}`);
    assertIsThere('postgres://user:secret@db.example/homeostat');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an address is shown without its password', () => {
  expect(shownUrl('postgres://user:secret@db.example:5432/homeostat')).toBe(
    'postgres://user:…@db.example:5432/homeostat',
  );
  expect(shownUrl('sqlite:data/homeostat.db')).toBe('sqlite:data/homeostat.db');
});
