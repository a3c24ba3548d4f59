import { defineConfig } from 'vitest/config';

const ROOMS = '{engine,twins,adapters,identity,features,tools,api,bench}';
const INTEGRATION = `${ROOMS}/**/*.integration.test.ts`;
const E2E = 'api/e2e/**/*.test.ts';
const TORTURE = 'bench/torture/torture.test.ts';
/** One PostgreSQL for all tests of the run that need one. */
const globalSetup = ['engine/testing/postgres-for-all.ts'];

export default defineConfig({
  test: {
    // Real servers start in some of them; no assertion anywhere depends on time
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of the time goes into waiting: for processes to start, for connections to come back
    maxWorkers: 2,
    reporters: ['default', './api/e2e/skipped-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // To load the modules anew for each file takes longer than its tests
          isolate: false,
          include: [`${ROOMS}/**/*.test.ts`],
          exclude: [INTEGRATION, E2E, TORTURE],
        },
      },
      // With a PostgreSQL or a Mosquitto
      { extends: true, test: { name: 'integration', include: [INTEGRATION], globalSetup } },
      // Whole servers, as operators run them
      { extends: true, test: { name: 'e2e', include: [E2E], globalSetup } },
      { extends: true, test: { name: 'torture', include: [TORTURE], globalSetup } },
    ],
  },
});
