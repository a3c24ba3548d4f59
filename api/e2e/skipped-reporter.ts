import type { Reporter, TestModule } from 'vitest/node';

/** Prints at the end of a run what was skipped: the reason stands in each test's name. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    if (skipped.length === 0) return;
    process.stdout.write(`\nSkipped (${skipped.length}):\n`);
    for (const test of skipped) process.stdout.write(`  - ${test.fullName}\n`);
  }
}
