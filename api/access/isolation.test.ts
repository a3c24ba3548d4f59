/** Nobody of one home reads or changes anything of another, whatever they try. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostileRequest, hostileRequest } from '../fuzz/testing/hostile-request.ts';
import { OpenApiDocument } from '../fuzz/testing/open-api-document.ts';
import { SocketClient } from '../http/testing/socket-client.ts';
import { A, B, CANARY, TwoHomes } from './testing/two-homes.ts';

const TIMES = Number(process.env.FUZZ_RUNS ?? 1);
const ROLES = ['owner', 'admin', 'member', 'guest', 'key', 'device', 'gateway'] as const;
type Role = (typeof ROLES)[number];
/** They wait for what comes; the WebSocket has a test of its own below, the gateways’ poll beside its route. */
const WAITING = ['followLive', 'fetchCommands'];

interface Step {
  who: Role;
  request: HostileRequest;
  /** Whether it is about B, or about A’s own, for which it may be allowed. */
  isAboutB: boolean;
}

let steps: fc.Arbitrary<Step[]>;
beforeAll(async () => {
  await using homes = await TwoHomes.open();
  const document = new OpenApiDocument(homes.api.app.swagger());
  const operations = document.operations.filter(
    ({ operationId, path }) => !WAITING.includes(operationId) && !path.startsWith('/docs'),
  );
  const step = fc.record({
    who: fc.constantFrom(...ROLES),
    request: hostileRequest(document, operations, {}),
    isAboutB: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  });
  steps = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' });
});

/** The address with ids of one of the homes in it. */
function urlOf({ api: _api, ids }: TwoHomes, { request, isAboutB }: Step): string {
  let url = request.operation.path;
  for (const [name, segment] of Object.entries(request.path)) {
    const known = name === 'home' && !isAboutB ? [A] : (ids[name] ?? ids['id'] ?? []);
    const raw =
      'raw' in segment
        ? segment.raw
        : encodeURIComponent(known[segment.known % Math.max(1, known.length)] ?? 'none');
    url = url.replace(`{${name}}`, () => raw);
  }
  return request.query === '' ? url : `${url}?${request.query}`;
}

describe('people, keys, devices and gateways of one home', () => {
  it(
    'read and change nothing of another over REST and server-sent events',
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          await using homes = await TwoHomes.open();
          const before = await homes.picture();
          expect(JSON.stringify(before)).toContain(CANARY);
          for (const step of all) {
            const { headers, body, operation } = step.request;
            // Without their home they would be nobody, and their own stream does not end
            const isLeft = ['deleteHome', 'streamHome'].includes(operation.operationId);
            if (isLeft && !step.isAboutB) continue;
            const answer = await homes.api.app.inject({
              method: operation.method as 'GET',
              url: urlOf(homes, step),
              headers: {
                ...headers,
                authorization: `Bearer ${homes.callers.get(step.who) ?? ''}`,
                ...(body && { 'content-type': body.type }),
              },
              ...(body && { payload: body.text }),
            });
            expect(answer.payload).not.toContain(CANARY);
          }
          expect(await homes.picture()).toEqual(before);
        }),
        { numRuns: 40 * TIMES },
      );
    },
    120_000 * TIMES,
  );

  it('hear nothing of another over WebSocket', async () => {
    const word = fc.oneof(
      fc.constantFrom(B, A, `${B}/`, ` ${B}`, `${A},${B}`, '*', '+', '#', '', null),
      fc.constant([B]),
    );
    const subscription = fc.record({
      action: fc.constantFrom('subscribe', 'subscribe', 'subscribe', 'unsubscribe', 'ping'),
      id: fc.constantFrom('1', '2', '3'),
      home: word,
      twin: fc.option(fc.constantFrom('lamp', 'nook', '*'), { nil: undefined }),
      snapshot: fc.option(fc.boolean(), { nil: undefined }),
    });
    const said = fc.array(fc.tuple(fc.constantFrom(...ROLES), subscription), { maxLength: 12 });
    await using homes = await TwoHomes.open();
    const { api, callers } = homes;
    const address = await api.listen();
    let power = 1;
    await fc.assert(
      fc.asyncProperty(said, async (all) => {
        for (const role of ROLES) {
          using socket = await SocketClient.open(address, callers.get(role));
          for (const [who, message] of all) if (who === role) socket.send(message);
          // Answered after everything before it
          socket.send({ action: 'ping' });
          await hearUntil(socket, 'pong');
          power++;
          await api.engine.dispatch({
            ...{ home: B, twin: 'lamp', event: { type: 'telemetry', power }, dedupe: false },
            ...{ id: `${CANARY} ${power}`, at: api.clock.now(), source: 'mqtt', cause: null },
            ...{ principal: 'device', correlation: CANARY, ifUnknown: 'reject' },
          });
          socket.send({ action: 'ping' });
          await hearUntil(socket, 'pong');
        }
      }),
      { numRuns: 25 * TIMES },
    );
  }, 60_000);
});

/** What comes up to a message of this type has nothing of B in it. */
async function hearUntil(socket: SocketClient, type: string): Promise<void> {
  for (;;) {
    const message = await socket.next();
    expect(JSON.stringify(message)).not.toContain(CANARY);
    if (message.type === type) return;
  }
}
