import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, type ErrorCode } from '../engine/index.ts';
import { ApiBench, TOKEN } from './http/testing/api-bench.ts';
import { problemOf } from './problem.ts';

describe('problem documents', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open({ server: { bodyLimit: 1_000 } });
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('say what, where and what to do', async () => {
    const answer = await api.get('/v1/homes/h9?x=1');
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      type: 'urn:homeostat:problem:unknown-home',
      title: 'No such home',
      status: 404,
      code: 'unknown-home',
      detail: 'there is no home h9',
      hint: 'GET /v1/homes lists the homes.',
      instance: '/v1/homes/h9',
    });
  });

  it.each([
    ['/v1/homes/%zz', 400],
    [`/v1/homes/${'x'.repeat(1_000)}`, 414],
    ['/v1/homes/h1/twins/l9/replay', 404],
    ['/v1/homes/h1/alerts/none', 404],
  ])('say what to do about %s', async (url, status) => {
    const answer = await api.get(url);
    expect([answer.status, answer.body.hint]).toEqual([status, expect.any(String)]);
  });

  it('name each flaw of a malformed request', async () => {
    const { body } = await api.post('/v1/homes', { id: '/', name: '', extra: 1 });
    expect(body.errors).toEqual([
      { path: 'body.id', message: expect.any(String) },
      { path: 'body.name', message: expect.any(String) },
      { path: 'body', message: expect.stringContaining('extra') },
    ]);
  });

  it.each([
    ['malformed JSON', 'application/json', '{"id":', 400, 'malformed'],
    ['nothing', 'application/json', '', 400, 'malformed'],
    ['white space', 'application/json', ' ', 400, 'malformed'],
    ['a poisoned prototype', 'application/json', '{"__proto__":{"id":"x"}}', 400, 'malformed'],
    [
      'a poisoned constructor',
      'application/json',
      '{"constructor":{"prototype":{}}}',
      400,
      'malformed',
    ],
    ['NaN', 'application/json', '{"id":NaN}', 400, 'malformed'],
    ['another type', 'text/plain', 'id=h2', 415, 'unsupported-media-type'],
    ['a form', 'application/x-www-form-urlencoded', 'id=h2', 415, 'unsupported-media-type'],
    ['a type that is none', 'nonsense', '{}', 415, 'unsupported-media-type'],
    ['too much', 'application/json', `{"id":"${'x'.repeat(1_000)}"}`, 413, 'too-large'],
  ])('answer a body of %s', async (_what, type, payload, status, code) => {
    const raw = { type, text: payload };
    const answer = await api.call('POST', '/v1/homes', { raw });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    // The next message works
    expect((await api.post('/v1/homes', { id: 'next' })).status).toBe(201);
  });

  it.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('answer %s instead of a request', async (_what, bytes, status) => {
    const [host, port] = (await api.listen()).split(':') as [string, string];
    const socket = connect(Number(port), host);
    socket.write(bytes);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1] as string)).toMatchObject({ status });
  });

  it('refuse a patch that is cut off', async () => {
    const raw = { type: 'application/merge-patch+json', text: '{"on":' };
    const answer = await api.call('PATCH', '/v1/homes/h1/twins/l1/desired', { raw });
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed']);
  });

  it.each([
    ['GET', '/v1/nothing', 404],
    ['PUT', '/v1/homes', 404],
    ['GET', '/v1/homes/%', 400],
    ['GET', '/v1/homes/%zz', 400],
    ['GET', '/v1/../../etc/passwd', 404],
    ['GET', '//v1/homes', 404],
    ['GET', '/docs/static/../../package.json', 404],
    ['GET', '/docs/static/%2e%2e%2f%2e%2e%2fpackage.json', 404],
  ])('answer %s %s', async (method, url, status) => {
    const answer = await api.app.inject({
      method: method as 'GET',
      url,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ status, code: expect.any(String) });
  });

  it('tell nothing of what is inside', () => {
    const request = { method: 'POST', url: '/v1/homes?access_token=secret' };
    const bug = problemOf(new TypeError('cannot read /srv/secret.ts'), request);
    expect(bug.status).toBe(500);
    expect(JSON.stringify(bug)).not.toContain('secret');
    const driver = new EngineError('storage-unavailable', 'connect ECONNREFUSED 10.0.0.5:5432');
    const away = problemOf(driver, request);
    expect(away).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(JSON.stringify(away)).not.toContain('10.0.0.5');
  });

  it.each<[ErrorCode, number]>([
    ['bad-input', 422],
    ['unknown-kind', 422],
    ['unknown-event', 422],
    ['unknown-twin', 404],
    ['unknown-home', 404],
    ['not-found', 404],
    ['conflict', 409],
    ['unclaimed', 409],
    ['stale-revision', 412],
    ['machine-failed', 500],
    ['state-unreadable', 500],
    ['cascade-too-deep', 500],
    ['cascade-too-wide', 500],
    ['overloaded', 503],
    ['storage-unavailable', 503],
    ['storage-full', 503],
    ['stopping', 503],
    ['fenced', 503],
  ])('read %s as %i', (code, status) => {
    const answer = problemOf(new EngineError(code, 'because'), { method: 'POST', url: '/' });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect('retry-after' in answer.headers).toBe(status === 503);
  });
});
