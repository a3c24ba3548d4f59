/** `homeostat rules test`: files of tests, without a server. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AnyKind } from '../../../engine/index.ts';
import { say } from '../../contract/at-server.ts';
import { runTests } from '../trial/run-tests.ts';

/** Runs files of tests. Exit code 1 when one fails. */
export async function testRules(
  files: readonly string[],
  kinds: readonly AnyKind[],
): Promise<void> {
  let failed = 0;
  let passed = 0;
  for (const file of files) {
    const load = (path: string) => readFileSync(join(dirname(file), path), 'utf8');
    say(file);
    for (const { test, failure } of await runTests(readFileSync(file, 'utf8'), load, kinds)) {
      if (failure === null) passed++;
      else failed++;
      say(
        failure === null
          ? `  ✓ ${test}`
          : `  ✗ ${test}\n      ${failure.replaceAll('\n', '\n      ')}`,
      );
    }
  }
  say(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}
