/** `homeostat rules test`: files of tests, without a server. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runTests } from '../../features/rules/index.ts';
import { readKindsDir } from '../config.ts';
import { loadKinds } from '../kinds/load-kinds.ts';

/** Runs files of tests. Exit code 1 when one fails. */
export async function testRules(files: readonly string[]): Promise<void> {
  const { all: kinds } = await loadKinds(readKindsDir());
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

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
