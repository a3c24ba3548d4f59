import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Delivery, type DeliveryRow, ManualClock } from '../../engine/index.ts';
import { isAllowance, Reach } from './reach.ts';
import { webhookSink } from './sink.ts';

interface Request {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}
type Wanted = Partial<Delivery & { type: 'webhook' }>;

let server: Server;
let port: number;
let requests: Request[];
/** What the service answers; null: nothing at all. */
let answer: { status: number; headers?: Record<string, string>; body?: string } | null;
let asked: () => void;
let clock: ManualClock;

beforeEach(async () => {
  requests = [];
  answer = { status: 204 };
  asked = () => {};
  clock = new ManualClock();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      requests.push({ method, url, headers, body });
      asked();
      if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function open(allow: string[] = ['127.0.0.1', 'localhost'], stopping = new AbortController()) {
  const secretOf = async (home: string, name: string) =>
    home === 'h1' && name === 'token' ? 's3cret' : null;
  return webhookSink({ clock, reach: new Reach(allow), secretOf, stopping: stopping.signal });
}

function row(wanted: Wanted = {}): DeliveryRow {
  return {
    ...{ home: 'h1', twin: 'r', id: 'h1/r@7#0', destination: 'webhook' },
    delivery: {
      ...{ type: 'webhook', kind: 'rule', via: null, method: 'POST', headers: {} },
      url: `http://127.0.0.1:${port}/in?x=1`,
      ...wanted,
    },
    ...{ createdAt: 0, expiresAt: null, attempts: 0, notBefore: 0 },
  };
}

const deliver = async (wanted: Wanted = {}, sink = open()) =>
  (await sink.deliver([row(wanted)]))[0];

describe('a request of a rule', () => {
  test('goes out with its id, its headers and its body', async () => {
    const wanted: Wanted = { headers: { 'x-who': 'me' }, body: { on: true, n: [1] } };
    expect(await deliver(wanted)).toEqual({ status: 'delivered' });
    expect(requests).toMatchObject([
      {
        ...{ method: 'POST', url: '/in?x=1', body: '{"on":true,"n":[1]}' },
        headers: {
          'idempotency-key': 'h1/r@7#0',
          'content-type': 'application/json',
          'x-who': 'me',
          host: `127.0.0.1:${port}`,
        },
      },
    ]);
  });

  test('sends texts as they are, and forms to who wants forms', async () => {
    await deliver({ body: 'ding', method: 'PUT' });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    await deliver({ body: { a: 'b c', n: 1 }, headers });
    await deliver({ method: 'GET' });
    expect(requests.map(({ body }) => body)).toEqual(['ding', 'a=b+c&n=1', '']);
    expect(requests[0]?.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  test('has its secrets put in when it leaves, and not in what is told of it', async () => {
    const wanted: Wanted = { secretHeaders: { authorization: `Bearer \${secrets.token}` } };
    answer = { status: 400, body: 'bad token s3cret' };
    const outcome = await deliver(wanted);
    expect(requests[0]?.headers.authorization).toBe('Bearer s3cret');
    expect(outcome).toMatchObject({ status: 'refused', error: `127.0.0.1:${port} answered 400` });
  });

  test('does not put secrets in where an expression has said their name', async () => {
    await deliver({ headers: { 'x-a': `\${secrets.token}` }, body: `\${secrets.token}` });
    expect(JSON.stringify(requests)).not.toContain('s3cret');
  });

  test('is kept where its secret is missing', async () => {
    expect(await deliver({ secretHeaders: { a: `\${secrets.none}` } })).toEqual({
      status: 'refused',
      error: 'the home has no secret "none", or it cannot be opened any more',
      hint: 'PUT /v1/homes/h1/secrets/none sets it; then retry this dead letter.',
    });
    expect(requests).toEqual([]);
  });

  test.each<[number, Record<string, string>, object]>([
    [500, {}, { status: 'retry', afterMs: 0 }],
    [503, { 'retry-after': '120' }, { status: 'retry', afterMs: 120_000 }],
    [429, { 'retry-after': '999999' }, { status: 'retry', afterMs: 3_600_000 }],
    [404, {}, { status: 'refused' }],
    [302, { location: '/elsewhere' }, { status: 'refused' }],
    [200, {}, { status: 'delivered' }],
  ])('that is answered with %i is %j', async (status, headers, outcome) => {
    answer = { status, headers };
    expect(await deliver()).toMatchObject(outcome);
    expect(requests).toHaveLength(1);
  });

  test('is taken with the statuses that the rule expects, and no others', async () => {
    answer = { status: 404 };
    expect(await deliver({ expect: [404] })).toEqual({ status: 'delivered' });
    answer = { status: 200 };
    expect(await deliver({ expect: [404] })).toMatchObject({ status: 'refused' });
  });

  test('is tried again when nobody answers in time, or nobody is there', async () => {
    answer = null;
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const outcome = deliver({ timeoutMs: 5_000 });
    await arrived;
    clock.advance(5_000);
    expect(await outcome).toEqual({
      status: 'retry',
      error: `127.0.0.1:${port}: no answer within 5 s`,
    });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await deliver()).toMatchObject({
      status: 'retry',
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('ends when the engine stops, and comes again', async () => {
    answer = null;
    const stopping = new AbortController();
    asked = () => stopping.abort(new Error('the engine stops'));
    expect(await deliver({}, open(['127.0.0.1'], stopping))).toMatchObject({ status: 'retry' });
  });

  test('is not held up by an answer without end', async () => {
    answer = { status: 200, body: 'x'.repeat(20_000_000) };
    expect(await deliver()).toEqual({ status: 'delivered' });
  });

  test.each(['ftp://example.org/', 'http://a:b@example.org/', 'file:///etc/passwd', 'nonsense'])(
    'does not go to %s',
    async (url) => {
      expect(await deliver({ url })).toMatchObject({ status: 'refused' });
    },
  );

  test('does not go into the operator’s network, by whatever name', async () => {
    const sink = open([]);
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '0.0.0.0']) {
      const outcome = await deliver({ url: `http://${host}:${port}/` }, sink);
      expect(outcome, host).toMatchObject({ status: 'refused' });
    }
    expect(requests).toEqual([]);
  });

  test('goes where the operator lets it, by name, port, address or network', async () => {
    for (const allow of [['127.0.0.1'], [`127.0.0.1:${port}`], ['127.0.0.0/8']]) {
      expect(await deliver({}, open(allow))).toEqual({ status: 'delivered' });
    }
    expect(await deliver({}, open(['127.0.0.1:1']))).toMatchObject({ status: 'refused' });
    expect(
      await deliver({ url: `http://localhost:${port}/` }, open([`localhost:${port}`])),
    ).toEqual({ status: 'delivered' });
  });
});

describe('what may be reached', () => {
  const may = (address: string, family: 4 | 6) =>
    new Reach([]).may('service.example.org', 443, { address, family });

  test.each([
    ...['10.1.2.3', '127.0.0.1', '169.254.169.254', '172.31.0.1', '192.168.1.1', '100.64.0.1'],
    ...['0.0.0.0', '224.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.2.1'],
  ])('is not %s', (address) => {
    expect(may(address, 4)).toBe(false);
  });

  test.each([
    ...['::1', '::', 'fe80::1', 'fd00::1', 'fc00::1', 'ff02::1', '2001:db8::1', '2002:a00:1::'],
    ...['::ffff:10.0.0.1', '::ffff:8.8.8.8', '64:ff9b::a00:1', '2001:0:1::1', '::7f00:1'],
  ])('is not %s', (address) => {
    expect(may(address, 6)).toBe(false);
  });

  test('is what is public', () => {
    expect(may('93.184.216.34', 4)).toBe(true);
    expect(may('2606:2800:220:1:248:1893:25c8:1946', 6)).toBe(true);
  });

  test('is named by hosts, addresses and networks', () => {
    const good = ['nas', 'nas.local:8080', '10.0.0.7', '10.0.0.0/8', 'fd00::/8', '::1', '[::1]:80'];
    expect(good.filter((entry) => !isAllowance(entry))).toEqual([]);
    const bad = ['http://nas', 'nas/x', '10.0.0.0/33', '*', '', 'a b', 'nas:port'];
    expect(bad.filter(isAllowance)).toEqual([]);
  });
});
