import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{engine,twins,adapters,identity,features,tools,api,bench}/**/*.test.ts'],
    globalSetup: ['engine/testing/postgres-for-all.ts'],
    // Real servers start in some of them; no assertion anywhere depends on time
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of the time goes into waiting: for processes to start, for connections to come back
    maxWorkers: 2,
    reporters: ['default', './api/e2e/skipped-reporter.ts'],
  },
});
