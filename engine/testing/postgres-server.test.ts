import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from './package-root.ts';

it('leaves it to the process how it ends', async () => {
  const module = new URL('dist-bench/engine/testing/postgres-server.js', PACKAGE_ROOT);
  const program = `await import('${module}'); process.exitCode = 3;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  expect(await once(child, 'exit')).toEqual([3, null]);
});
