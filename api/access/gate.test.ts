import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench, TOKEN } from '../http/testing/api-bench.ts';

interface Document {
  paths: Record<string, Record<string, { security?: unknown[] }>>;
}

describe('the token', () => {
  let api: ApiBench;
  let log: string;
  let address: string;
  beforeEach(async () => {
    log = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        log += String(chunk);
        done();
      },
    });
    api = await ApiBench.open({ server: { logger: pino({ level: 'trace' }, stream) } });
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const without = (method: string, url: string, headers: Record<string, string> = {}) =>
    api.app.inject({ method: method as 'GET', url, headers });

  /** The status of the answer to an attempt to open a WebSocket. */
  const upgradeStatus = async (path: string) => {
    const request = get(`http://${address}${path}`, {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.destroy();
    return response.statusCode;
  };

  it('is needed by every operation of the OpenAPI document but health', async () => {
    const { paths } = api.app.swagger() as unknown as Document;
    const open: string[] = [];
    for (const [template, operations] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const url = template.replace(/\{[^}]+\}/g, 'h1');
        if (security?.length === 0) {
          open.push(url);
          continue;
        }
        for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
          const answer = await without(method.toUpperCase(), url, headers);
          expect([method, url, answer.statusCode]).toEqual([method, url, 401]);
          expect(answer.headers['www-authenticate']).toContain('Bearer');
          expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
          expect(answer.json()).toMatchObject({ code: 'unauthorized', status: 401 });
        }
      }
    }
    expect(open).toEqual([
      '/healthz',
      '/readyz',
      ...['register', 'verify', 'login', 'refresh', 'forgot', 'reset'].map(
        (verb) => `/v1/auth/${verb}`,
      ),
      ...['', '/h1/start', '/h1/callback', '/h1/callback', '/finish'].map(
        (rest) => `/v1/auth/providers${rest}`,
      ),
      ...['login', 'refresh'].map((verb) => `/v1/gateways/${verb}`),
      ...['claim', 'enrol', 'enrolment'].map((verb) => `/v1/devices/${verb}`),
    ]);
  });

  it.each(['/openapi.json', '/docs', '/docs/', '/docs/json', '/docs/static/index.html', '/', '/x'])(
    'is needed for %s too',
    async (url) => {
      expect((await without('GET', url)).statusCode).toBe(401);
    },
  );

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    'Bearer undefined',
  ])('is not "%s"', async (authorization) => {
    expect((await without('GET', '/v1/homes', { authorization })).statusCode).toBe(401);
  });

  it('is refused before the body is read', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: '/v1/homes',
      headers: { 'content-type': 'application/json' },
      payload: '{not json',
    });
    expect(answer.statusCode).toBe(401);
  });

  it('may stand in the address only where a browser cannot send headers', async () => {
    const query = `access_token=${TOKEN}`;
    expect((await without('GET', `/v1/live?${query}`)).statusCode).toBe(426);
    expect((await without('GET', `/v1/homes/h9/stream?${query}`)).statusCode).toBe(404);
    expect((await without('GET', `/v1/homes?${query}`)).statusCode).toBe(401);
    expect((await without('POST', `/v1/homes/h1/stream?${query}`)).statusCode).toBe(401);
    expect((await without('GET', `/openapi.json?${query}`)).statusCode).toBe(401);
    expect((await without('GET', `/v1/live?access_token=x&${query}`)).statusCode).toBe(401);
  });

  it('opens the documentation once, and then a cookie does, for it alone', async () => {
    const first = await without('GET', `/docs?access_token=${TOKEN}`);
    expect(first.statusCode).toBe(303);
    expect(first.headers.location).toBe('/docs/');
    const cookie = String(first.headers['set-cookie']);
    expect(cookie).toMatch(/Path=\/docs; HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(TOKEN);
    const headers = { cookie: `other=1; ${cookie.split(';')[0]}` };
    const page = await without('GET', '/docs/', headers);
    expect([page.statusCode, page.headers['content-type']]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect((await without('GET', '/docs/json', headers)).statusCode).toBe(200);
    expect((await without('GET', '/docs/static/swagger-ui.css', headers)).statusCode).toBe(200);
    expect((await without('GET', '/v1/homes', headers)).statusCode).toBe(401);
    expect((await without('GET', '/docs/', { cookie: 'homeostat_docs=x' })).statusCode).toBe(401);
  });

  it('never reaches the log', async () => {
    await without('GET', `/docs?access_token=${TOKEN}`);
    await without('GET', `/v1/homes/h9/stream?access_token=${TOKEN}`);
    await without('GET', `/v1/live?access_token=${TOKEN}`);
    await without('GET', `/nowhere?access_token=${TOKEN}`);
    await without('GET', `/v1/%zz?access_token=${TOKEN}`);
    await api.post('/v1/homes/h1/twins/l1/events', { type: 'break' });
    address = await api.listen();
    // The plugin would log the whole address of an upgrade that goes to the wrong place
    expect(await upgradeStatus(`/v1/homes/h1/stream?access_token=${TOKEN}`)).toBe(400);
    expect(await upgradeStatus('/v1/live?access_token=wrong')).toBe(401);
    expect(log).toContain('answered');
    expect(log).not.toContain(TOKEN);
  });
});
