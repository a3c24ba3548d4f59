/** What the Dockerfile copies gets past .dockerignore, and is enough to build the server. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';

const ROOT = fileURLToPath(PACKAGE_ROOT);
const lines = (file: string) => readFileSync(join(ROOT, file), 'utf8').split('\n');
const copied = lines('Dockerfile')
  .filter((line) => /^COPY (?!--from)/.test(line))
  .flatMap((line) => line.split(' ').slice(1, -1));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'homeostat-image-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('all of it is let through, and nothing else', () => {
  const through = lines('.dockerignore').filter((line) => line.startsWith('!'));
  expect(through.map((line) => line.slice(1)).sort()).toEqual([...new Set(copied)].sort());
});

test('the server is built of it', () => {
  for (const path of copied) {
    cpSync(join(ROOT, path), join(folder, path), {
      recursive: true,
      filter: (file) => !/\.test\.ts$|\/testing$|\/e2e$/.test(file),
    });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, ['build.js'], { cwd: folder });
  expect(existsSync(join(folder, 'dist/api/main.js'))).toBe(true);
});
