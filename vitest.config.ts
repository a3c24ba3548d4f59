import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const ROOMS = '{engine,twins,adapters,identity,features,tools,api,bench}';
const INTEGRATION = `${ROOMS}/**/*.integration.test.ts`;
const E2E = 'api/e2e/**/*.test.ts';
const TORTURE = 'bench/torture/torture.test.ts';
/** One PostgreSQL for all tests of the run that need one. */
const globalSetup = ['engine/testing/postgres-for-all.ts'];

/** Files that take minutes come first: begun last, one would go on alone. */
const LONG = [TORTURE, 'identity/interleavings.integration.test.ts'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      LONG.some((file) => moduleId.endsWith(file));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    // Real servers start in some of them; no assertion anywhere depends on time
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of the time goes into waiting: for processes to start, for connections to come back
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
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
      {
        extends: true,
        test: { name: 'integration', include: [INTEGRATION], globalSetup, isolate: false },
      },
      // Whole servers, as operators run them
      { extends: true, test: { name: 'e2e', include: [E2E], globalSetup } },
      { extends: true, test: { name: 'torture', include: [TORTURE], globalSetup } },
    ],
  },
});
