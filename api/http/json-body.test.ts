import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from './testing/api-bench.ts';

let api: ApiBench;
beforeEach(async () => {
  api = await ApiBench.open({ server: { arrivalMs: 400 } });
  await api.furnish();
});
afterEach(() => api[Symbol.asyncDispose]());

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const DOORS: readonly (readonly [method: string, url: string, body: (deep: string) => string])[] = [
  ['POST', '/v1/homes/h1/twins/l1/events', (deep) => `{"type": "remind", "x": ${deep}}`],
  ['PATCH', '/v1/homes/h1/twins/l1/desired', (deep) => `{"x": ${deep}}`],
  ['PATCH', '/v1/homes/h1/twins/l1', (deep) => `{"settings": {"x": ${deep}}}`],
  [
    'POST',
    '/v1/homes/h1/twins/l1/commands',
    (deep) => `{"name": "blink", "args": {"times": ${deep}}}`,
  ],
  ['POST', '/v1/homes', (deep) => `{"id": "h2", "name": ${deep}}`],
  ['PUT', '/v1/homes/h1/rules/x', (deep) => `{"source": ${deep}}`],
];

describe('a body that is nested', () => {
  it.each(DOORS)('10,000 levels deep is refused: %s %s', async (method, url, body) => {
    const raw = { type: 'application/json', text: body(nested(10_000)) };
    const [refused, taken] = await Promise.all([
      api.call(method, url, { raw }),
      api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', power: 1 }),
    ]);
    expect([refused.status, refused.body.code]).toEqual([400, 'malformed']);
    expect(refused.body.hint).toContain('32 levels');
    expect(taken.status).toBe(200);
  });

  it('as deep as it may be is read', async () => {
    const raw = { type: 'application/json', text: `{"type": "remind", "x": ${nested(31)}}` };
    expect((await api.call('POST', '/v1/homes/h1/twins/l1/events', { raw })).status).toBe(200);
  });
});

describe('a request that does not come whole', () => {
  it.each([
    ['its head', 'GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: '],
    ['its body', 'POST /v1/homes HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{'],
  ])('is ended when its time is over: %s', async (_what, part) => {
    const [host, port] = (await api.listen()).split(':');
    const socket = connect(Number(port), host);
    socket.write(part);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 (408|401)/);
  });
});
