import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ApiBench, EDGE, TOKEN } from '../http/testing/api-bench.ts';

const APP = 'https://app.example.org';
const OTHER = 'https://evil.example';
const PUBLIC = 'https://homeostat.example.org';
const PREFLIGHT = {
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'authorization,if-match',
};

describe('a web page', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open({
      server: { edge: { ...EDGE, origins: [APP], publicUrl: `${PUBLIC}/` } },
    });
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const ask = (method: 'GET' | 'OPTIONS', url: string, headers: Record<string, string>) =>
    api.app.inject({ method, url, headers });

  it('of a listed origin may ask, send any change, and read what it needs of the answers', async () => {
    const read = await api.get('/v1/homes/h1/twins/l1', { headers: { origin: APP } });
    expect(read.headers).toMatchObject({ 'access-control-allow-origin': APP, vary: 'Origin' });
    expect(read.headers['access-control-expose-headers']).toContain('etag, location, retry-after');
    expect(read.headers).not.toHaveProperty('access-control-allow-credentials');
    const asked = await ask('OPTIONS', '/v1/homes/h1', { origin: APP, ...PREFLIGHT });
    expect(asked.statusCode).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,if-match',
    });
  });

  it('of a listed origin reads why it was refused, and follows a stream', async () => {
    const refused = await ask('GET', '/v1/homes', { origin: APP });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['access-control-allow-origin']).toBe(APP);
    const address = await api.listen();
    const abort = new AbortController();
    const stream = await fetch(`http://${address}/v1/homes/h1/stream`, {
      headers: { authorization: `Bearer ${TOKEN}`, origin: APP },
      signal: abort.signal,
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe(APP);
    abort.abort();
  });

  it('of another origin is allowed nothing', async () => {
    const read = await api.get('/v1/homes', { headers: { origin: OTHER } });
    expect(read.headers).not.toHaveProperty('access-control-allow-origin');
    const asked = await ask('OPTIONS', '/v1/homes/h1', { origin: OTHER, ...PREFLIGHT });
    expect(asked.statusCode).toBe(401);
    expect(asked.headers).not.toHaveProperty('access-control-allow-origin');
    expect(asked.json()).toMatchObject({ code: 'unauthorized' });
  });

  it.each([
    ['no browser at all', undefined, 101],
    ['a listed origin', APP, 101],
    ['the address that people know', PUBLIC, 101],
    ['the address that was asked', 'same', 101],
    ['another origin', OTHER, 403],
    ['a page without one', 'null', 403],
    ['the same host with another scheme', 'other scheme', 403],
  ])('opens a WebSocket if it is of %s: %s', async (_who, given, status) => {
    const address = await api.listen();
    const places: Record<string, string> = {
      same: `http://${address}`,
      'other scheme': `https://${address}`,
    };
    const origin = given === undefined ? undefined : (places[given] ?? given);
    expect(await upgrade(address, origin)).toBe(status);
  });
});

it('without a list nothing is said about origins, and only pages of the server itself connect', async () => {
  await using api = await ApiBench.open();
  const read = await api.get('/v1/homes', { headers: { origin: APP } });
  expect(read.headers).not.toHaveProperty('access-control-allow-origin');
  const address = await api.listen();
  expect(await upgrade(address, APP)).toBe(403);
  expect(await upgrade(address, `http://${address}`)).toBe(101);
});

/** The status of the answer to an attempt to open a WebSocket. */
async function upgrade(address: string, origin: string | undefined): Promise<number | undefined> {
  const socket = new WebSocket(`ws://${address}/v1/live?access_token=${TOKEN}`, {
    ...(origin !== undefined && { origin }),
  });
  const status = await Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(
      ([, answer]) => (answer as IncomingMessage).statusCode,
    ),
  ]);
  // One that never opened says so when it is given up
  socket.on('error', () => undefined);
  socket.terminate();
  return status;
}
