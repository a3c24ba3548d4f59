import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { applyThreadLimits } from './thread-memory.ts';

const SAYS_ITS_LIMIT = `
  const { getHeapStatistics } = require('node:v8');
  require('node:worker_threads').parentPort.postMessage(getHeapStatistics().heap_size_limit);`;

afterEach(applyThreadLimits);

test("a thread's own limits count, whatever the main thread was given", async () => {
  setFlagsFromString('--max-semi-space-size=64');
  setFlagsFromString('--max-old-space-size=1000');
  expect(await heapLimitMb()).toBeGreaterThan(1_000 + 128);
  applyThreadLimits();
  expect(await heapLimitMb()).toBe(100 + 24);
});

async function heapLimitMb(): Promise<number> {
  const resourceLimits = { maxOldGenerationSizeMb: 100, maxYoungGenerationSizeMb: 24 };
  const worker = new Worker(SAYS_ITS_LIMIT, { eval: true, resourceLimits });
  const [bytes] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return bytes / 2 ** 20;
}
