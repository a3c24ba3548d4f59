import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TOKEN } from '../http/testing/api-bench.ts';
import { FuzzWorld } from './testing/fuzz-world.ts';

/** `FUZZ_RUNS=20 npx vitest run api/fuzz` does twenty times as much. */
const TIMES = Number(process.env.FUZZ_RUNS ?? 1);

let world: FuzzWorld;
let port: number;
beforeAll(async () => {
  world = await FuzzWorld.open();
  port = Number((await world.bench.listen()).split(':')[1]);
});
afterAll(() => world[Symbol.asyncDispose]());

/** As it is sent: `inject` would tidy the dots of a path away, and refuse what is no header. */
const target = fc.oneof(
  fc.constantFrom(
    ...[
      '/v1/homes',
      '/v1/../v1/homes',
      '/v1/homes/..',
      '/v1/homes/%2e%2e/candidates',
      '//v1/homes',
    ],
    ...[
      '/v1/homes/h1/twins/../../../healthz',
      '*',
      'http://elsewhere/v1/homes',
      '/v1/homes#x',
      '/%',
    ],
    ...[
      '/v1/homes/%00',
      '/v1/live',
      '/docs/../v1/homes',
      '/docs/%2e%2e/package.json',
      '/v1\\homes',
    ],
    ...['/v1/homes?limit=1&limit=2', `/v1/homes/${'x'.repeat(20_000)}`, '/\xff', '', 'v1/homes'],
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }).map((text) => `/${text}`),
);
const method = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE') },
  fc.constantFrom('HEAD', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'get', 'PROPFIND', 'G\0T', ''),
);
const header = fc.oneof(
  { weight: 5, arbitrary: fc.constant(`Authorization: Bearer ${TOKEN}`) },
  fc.constantFrom(
    ...[
      'Content-Length: 3',
      'Content-Length: -1',
      'Content-Length: 99999999999',
      'Content-Length: x',
    ],
    ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Expect: 100-continue'],
    ...['Content-Type: application/json', 'Upgrade: websocket', 'Connection: Upgrade', 'Host: b'],
    ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x', ': x', 'no colon', 'X: \0', ' folded'],
    ...[`X: ${'y'.repeat(20_000)}`, 'Content-Encoding: gzip', 'Connection: keep-alive'],
  ),
);
const body = fc.constantFrom(
  '',
  '{}',
  '{"id":',
  '3\r\n{}\n\r\n0\r\n\r\n',
  'zz\r\n',
  '\0\xff',
  '{"id":"x"}',
);
const request = fc
  .tuple(
    method,
    target,
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', 'x'),
    fc.array(header),
    body,
  )
  .map(([verb, to, version, headers, sent]) =>
    [`${verb} ${to} ${version}`, 'Host: a', ...headers, '', sent].join('\r\n'),
  );

it(
  'answers whatever comes over the wire with a status below 500, and goes on',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: request }, fc.string()), async (text) => {
        const answer = await exchange(text);
        // Several answers may come, and bytes that begin no request get none
        for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
          expect(Number(status), answer.slice(0, 400)).toBeLessThan(500);
        }
        expect(answer).toMatch(/^(HTTP\/1\.1 |$)/);
      }),
      { numRuns: 400 * TIMES },
    );
    await world.assertWhole();
  },
  60_000 * TIMES,
);

/** All that comes back until the server has ended, or has answered and waits for the next request. */
async function exchange(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let heard = '';
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      resolve();
    });
  });
  await once(socket, 'connect');
  // The server sees that no more will come: half a request is refused then, not waited for
  socket.end(Buffer.from(text, 'latin1'));
  await Promise.race([closed, answered]);
  socket.destroy();
  await closed;
  return heard;
}
