import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { kinds } from '../../twins/catalogue.ts';
import { live, type Step, stepsOf } from './testing/fuzz-run.ts';
import { FuzzWorld, HOMES, TWINS } from './testing/fuzz-world.ts';
import { hostileRequest } from './testing/hostile-request.ts';
import { OpenApiDocument } from './testing/open-api-document.ts';
import { spokenBodies } from './testing/spoken-bodies.ts';

/** `FUZZ_RUNS=20 npx vitest run api/fuzz` does twenty times as much. */
const TIMES = Number(process.env.FUZZ_RUNS ?? 1);
/** A failure that takes long to be made small is told as it is by then; too few runs are a failure, too. */
const patience = { interruptAfterTimeLimit: 55_000 * TIMES, markInterruptAsFailure: true };
/** They do not end by themselves; live.test.ts follows them. */
const STREAMS = ['streamHome', 'followLive'];

let document: OpenApiDocument;
let lives: fc.Arbitrary<Step[]>;
beforeAll(async () => {
  await using world = await FuzzWorld.open();
  document = new OpenApiDocument(world.bench.app.swagger());
  const operations = document.operations.filter(
    ({ operationId }) => !STREAMS.includes(operationId),
  );
  lives = stepsOf(hostileRequest(document, operations, spokenBodies(kinds, HOMES, TWINS)), 80);
});

describe('the OpenAPI document', () => {
  it('holds schemas that JSON Schema 2020-12 allows', () => {
    for (const [name, schema] of Object.entries(document.schemas)) {
      expect(document.flawOfSchema(schema), name).toBeNull();
    }
  });
});

describe('whatever it is asked, the server answers as its document says and stays whole', () => {
  it(
    'on SQLite',
    async () => {
      await fc.assert(
        fc.asyncProperty(lives, async (steps) => {
          await using world = await FuzzWorld.open();
          await live(world, document, steps);
        }),
        { numRuns: 60 * TIMES, ...patience },
      );
    },
    60_000 * TIMES,
  );

  it(
    'on PostgreSQL',
    async () => {
      await using database = await createTestDatabase();
      await fc.assert(
        fc.asyncProperty(lives, async (steps) => {
          await database.reset();
          await using world = await FuzzWorld.open(database.url);
          await live(world, document, steps);
        }),
        { numRuns: 10 * TIMES, ...patience },
      );
    },
    60_000 * TIMES,
  );
});
