/** Rules and the world outside, in the whole program: called, calling, killed in between. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { HomeostatProcess } from './homeostat-process.ts';

interface Request {
  headers: IncomingHttpHeaders;
  url: string | undefined;
  body: string;
}

/** A service that says nothing until it is told to. */
async function startService() {
  const requests: Request[] = [];
  let look = () => {};
  let isAnswering = false;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      requests.push({ headers: request.headers, url: request.url, body });
      if (isAnswering) response.writeHead(204).end();
      look();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    answer: () => {
      isAnswering = true;
    },
    /** Resolves when so many requests have come. */
    got: async (count: number) => {
      while (requests.length < count) {
        await new Promise<void>((resolve) => {
          look = resolve;
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const ruleOf = (port: number) => `rule: relay-on
triggers: [{ webhook: ring }, { start: true, id: start }]
actions:
  - if: trigger.id == "start"
    then: [{ stop: the start }]
  - webhook:
      url: "http://127.0.0.1:${port}/in?who=\${trigger.body.who}"
      headers: { authorization: "Bearer \${secrets.token}" }
      body: { who: "\${trigger.body.who}" }
`;

test('what a webhook sets off is sent after a power cut, under the same key and with the secret', async () => {
  await using service = await startService();
  await using homeostat = await HomeostatProcess.start({
    WEBHOOK_ALLOW: `127.0.0.1:${service.port}`,
  });
  await homeostat.request('POST', '/v1/homes', { id: 'flat' });
  const rule = '/v1/homes/flat/rules/relay-on';
  await homeostat.request('PUT', rule, { source: ruleOf(service.port) });
  await homeostat.request('PUT', '/v1/homes/flat/secrets/token', { value: 'not-in-journals' });
  const made = await homeostat.request<{ url: string; secret: string }>(
    'POST',
    `${rule}/hooks/ring/secret`,
  );
  const called = await fetch(`${made.url}?secret=${made.secret}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ who: 'Ann & Bob' }),
  });
  expect(called.status).toBe(202);
  const { effects } = (await called.json()) as { effects: string[] };

  // It has gone out, and nobody knows whether it was taken
  await service.got(1);
  await homeostat.kill();
  service.answer();
  await homeostat.start();
  await service.got(2);
  for (const request of service.requests) {
    expect(request).toMatchObject({
      url: '/in?who=Ann%20%26%20Bob',
      body: '{"who":"Ann & Bob"}',
      headers: { 'idempotency-key': effects[0], authorization: 'Bearer not-in-journals' },
    });
  }

  // The start that followed has been told once, and it is the only one
  await homeostat.until<{ runs: number }>(rule, ({ runs }) => runs === 2);
  const journal = await homeostat.get<{ items: { event: { type: string } }[] }>(
    '/v1/homes/flat/twins/relay-on/journal?limit=50',
  );
  const starts = journal.items.filter(({ event }) => event.type === 'engine.started');
  expect(starts).toHaveLength(1);
  expect(JSON.stringify(journal)).not.toContain('not-in-journals');
  expect(await homeostat.get('/v1/homes/flat/twins/relay-on/replay')).toMatchObject({ ok: true });

  // Each start once more
  expect(await homeostat.stop()).toBe(0);
  await homeostat.start();
  await homeostat.until<{ runs: number }>(rule, ({ runs }) => runs === 3);
  expect(service.requests).toHaveLength(2);
  expect(homeostat.output).not.toContain(made.secret);
});

test('a request into the operator’s network becomes a dead letter that says so', async () => {
  await using service = await startService();
  await using homeostat = await HomeostatProcess.start();
  await homeostat.request('POST', '/v1/homes', { id: 'flat' });
  const rule = '/v1/homes/flat/rules/relay-on';
  const source = ruleOf(service.port).replace(/\{ authorization: .*\}/, '{}');
  await homeostat.request('PUT', rule, { source });
  await homeostat.request('POST', `${rule}/run`, { data: { who: 'me' } });
  const letters = await homeostat.until<{ items: { error: string; source: string }[] }>(
    '/v1/homes/flat/dead-letters',
    ({ items }) => items.length > 0,
  );
  expect(letters.items).toMatchObject([
    {
      source: 'webhook',
      error: `127.0.0.1:${service.port} leads to an address that rules may not reach`,
      hint: expect.stringContaining('WEBHOOK_ALLOW'),
    },
  ]);
  expect(service.requests).toEqual([]);
});
