import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range from which systems give ports to outgoing connections, so that nobody is given one
 * between the look and its use.
 */
const FIRST = 10_000;
const COUNT = 20_000;
/** Processes that run at once begin far from each other. */
const STRIDE = 97;

let next = (process.pid * STRIDE) % COUNT;

/**
 * A TCP port of 127.0.0.1 that nobody listens on; no process gets the same one twice.
 * @throws Error when none is free
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
