import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  hostileJson,
  hostileText,
  jsonText,
  nearMiss,
} from '../../adapters/mqtt/testing/hostile-json.ts';
import type { Json } from '../../engine/index.ts';
import { TOKEN } from '../http/testing/api-bench.ts';
import { FuzzWorld, HOMES, TWINS } from './testing/fuzz-world.ts';
import { hostileRequest } from './testing/hostile-request.ts';
import { OpenApiDocument } from './testing/open-api-document.ts';
import { flawOfProblem } from './testing/problem-rules.ts';

/** `FUZZ_RUNS=20 npx vitest run api/fuzz` does twenty times as much. */
const TIMES = Number(process.env.FUZZ_RUNS ?? 1);

describe('what lives on', () => {
  let world: FuzzWorld;
  let address: string;
  beforeAll(async () => {
    world = await FuzzWorld.open();
    address = await world.bench.listen();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it(
    'answers a request for a stream with one, or with what its document says, and lets it go',
    async () => {
      const document = new OpenApiDocument(world.bench.app.swagger());
      const operations = document.operations.filter(
        ({ operationId }) => operationId === 'streamHome',
      );
      await fc.assert(
        fc.asyncProperty(hostileRequest(document, operations, {}), async (request) => {
          const abort = new AbortController();
          const url = `http://${address}${await world.urlOf(request)}`;
          const { operation } = request;
          const headers = fit(request.headers);
          const answer = await fetch(url, { headers, signal: abort.signal });
          const type = String(answer.headers.get('content-type'));
          if (answer.status === 200) {
            expect(type).toMatch(/^text\/event-stream/);
            const reader = answer.body?.getReader();
            const first = await reader?.read();
            expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^retry: /);
            abort.abort();
            await reader?.closed.catch(() => undefined);
            return;
          }
          const text = await answer.text();
          const given = {
            status: answer.status,
            headers: Object.fromEntries(answer.headers),
            text,
          };
          expect(document.flawOf(operation, given)).toBeNull();
          expect(flawOfProblem(given)).toBeNull();
          expect(answer.status).toBeLessThan(500);
        }),
        { numRuns: 150 * TIMES },
      );
      await world.assertWhole();
      await everyoneLeaves();
    },
    60_000 * TIMES,
  );

  it(
    'hears anything on a WebSocket, answers each message, and still follows',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 40, size: 'max' }), hear),
        { numRuns: 60 * TIMES },
      );
      await world.assertWhole();
      await everyoneLeaves();
    },
    60_000 * TIMES,
  );

  /** The server hears of a client that hung up a few round trips later. */
  async function everyoneLeaves(): Promise<void> {
    const subscribers = () => world.bench.engine.stats().subscribers;
    for (let trips = 0; trips < 100 && subscribers() > 0; trips++) {
      await (await fetch(`http://${address}/healthz`)).text();
    }
    expect(subscribers()).toBe(0);
  }

  async function hear(frames: readonly (string | Buffer)[]): Promise<void> {
    const socket = new WebSocket(`ws://${address}/v1/live?access_token=${TOKEN}`);
    const faults: unknown[] = [];
    const follows = new Promise<number>((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as Record<string, unknown>;
        if (typeof message.type !== 'string' || message.code === 'internal') faults.push(message);
        if (message.type === 'subscribed' && message.subscription === 'last') resolve(0);
      });
      socket.on('close', resolve);
    });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    for (const one of frames) socket.send(one);
    // Makes room under the limit of subscriptions
    for (let n = 0; n < 34; n++) socket.send(`{"action": "unsubscribe", "id": "s${n}"}`);
    socket.send('{"action": "subscribe", "id": "last", "home": "h1"}');
    const code = await follows;
    expect(faults).toEqual([]);
    // 1009: a message larger than any has to be
    expect([0, 1009]).toContain(code);
    if (socket.readyState !== WebSocket.CLOSED) {
      socket.close();
      await once(socket, 'close');
    }
  }
});

const subscription: fc.Arbitrary<Json> = fc.record(
  {
    action: fc.constantFrom('subscribe', 'subscribe', 'unsubscribe', 'ping', 'shout', '__proto__'),
    id: fc.nat(33).map((n) => `s${n}`),
    home: fc.constantFrom(...HOMES, 'nowhere', '__proto__', '', '%'),
    twin: fc.constantFrom(...TWINS, 'nobody'),
    kind: fc.constantFrom('relay', 'room', 'nothing', 'constructor'),
    snapshot: fc.boolean(),
  },
  { requiredKeys: ['action'] },
);
const frame: fc.Arbitrary<string | Buffer> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        action: fc.constant('subscribe'),
        id: fc.nat(33).map((n) => `s${n}`),
        home: fc.constantFrom(...HOMES, 'nowhere'),
        snapshot: fc.boolean(),
      })
      .map((message) => JSON.stringify(message)),
  },
  { weight: 6, arbitrary: jsonText(subscription) },
  { weight: 4, arbitrary: jsonText(nearMiss(subscription)) },
  { weight: 2, arbitrary: jsonText(hostileJson) },
  { weight: 2, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
);

/** `fetch` itself refuses what cannot be a header, and one that can. */
function fit({ expect: _refused, ...headers }: Record<string, string>): Record<string, string> {
  const sendable = ([, value]: [string, string]) => /^[\x20-\x7e]*$/.test(value);
  return Object.fromEntries(Object.entries(headers).filter(sendable));
}
