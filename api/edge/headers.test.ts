import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench, EDGE, TOKEN } from '../http/testing/api-bench.ts';
import { EventSourceReader } from '../http/testing/event-source.ts';

describe('every answer', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it.each([
    ['/v1/homes', 200],
    ['/metrics', 200],
    ['/healthz', 200],
    ['/v1/homes/h9', 404],
    ['/nowhere', 404],
    ['/v1/homes?limit=x', 400],
  ])('tells browsers to take it for what it is: %s', async (path, status) => {
    const { status: given, headers } = await api.get(path);
    expect(given).toBe(status);
    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('does so to strangers, and where no route was found at all', async () => {
    const stranger = await api.get('/v1/homes', { token: null });
    expect(stranger.status).toBe(401);
    expect(stranger.headers['content-security-policy']).toContain("default-src 'none'");
    const unreadable = await api.app.inject({ url: '/v1/%zz' });
    expect(unreadable.statusCode).toBe(400);
    expect(unreadable.headers['x-content-type-options']).toBe('nosniff');
  });

  it('does so at the head of a stream', async () => {
    const address = await api.listen();
    await using reader = await EventSourceReader.open(`http://${address}/v1/homes/h1/stream`);
    expect((await reader.next())?.event).toBe('hello');
    expect(reader.response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('leaves the pages of the documentation the policy that they need', async () => {
    const { headers } = await api.app.inject({
      url: '/docs/',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });
});

it('a server that people know by https has browsers insist on it, for this host alone', async () => {
  const publicUrl = 'https://homeostat.example.org';
  await using api = await ApiBench.open({ server: { edge: { ...EDGE, publicUrl } } });
  const { headers } = await api.get('/v1/homes');
  expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}$/);
});
