import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench, TOKEN } from '../http/testing/api-bench.ts';
import { changeOf } from '../http/testing/changes.ts';
import { SocketClient } from '../http/testing/socket-client.ts';
import { HEARTBEAT_MS } from './heartbeat.ts';

const MIB = 1024 * 1024;

describe('a live WebSocket', () => {
  let api: ApiBench;
  let address: string;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    await api.post('/v1/homes', { id: 'h2' });
    await api.post('/v1/homes/h2/twins', { id: 'l1', kind: 'lamp' });
    address = await api.listen();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const remind = (home: string) =>
    api.post(`/v1/homes/${home}/twins/l1/events`, { type: 'remind' });

  it('greets, and answers a ping', async () => {
    using client = await SocketClient.open(address);
    expect(await client.next()).toEqual({
      type: 'hello',
      data: { at: '2026-01-05T00:00:00.000Z' },
    });
    client.send({ action: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' });
  });

  it('follows several homes, each change tagged with its subscription', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    client.send({ action: 'subscribe', id: 'b', home: 'h2', twin: 'l1' });
    expect(await client.nextOf('subscribed')).toEqual({ type: 'subscribed', subscription: 'a' });
    expect(await client.nextOf('subscribed')).toEqual({ type: 'subscribed', subscription: 'b' });
    await remind('h2');
    expect(await client.next()).toMatchObject({
      type: 'twin',
      subscription: 'b',
      data: { home: 'h2', id: 'l1', revision: 1, event: { type: 'remind' } },
    });
    await remind('h1');
    expect(await client.next()).toMatchObject({ type: 'twin', subscription: 'a' });
    client.send({ action: 'unsubscribe', id: 'a' });
    expect(await client.next()).toEqual({ type: 'unsubscribed', subscription: 'a' });
    await remind('h1');
    await remind('h2');
    expect(await client.next()).toMatchObject({ type: 'twin', subscription: 'b' });
  });

  it('answers with "malformed" what its schema cannot even compare', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    client.send({ action: 'subscribe', id: 'a', home: { length: { toString: 1 } } });
    expect(await client.next()).toMatchObject({ type: 'error', code: 'malformed' });
  });

  it('begins with a snapshot when asked', async () => {
    using client = await SocketClient.open(address);
    client.send({ action: 'subscribe', id: 'a', home: 'h1', kind: 'lamp', snapshot: true });
    expect(await client.nextOf('snapshot')).toEqual({
      type: 'snapshot',
      subscription: 'a',
      data: (await api.get('/v1/homes/h1/twins/l1')).body,
    });
    expect(await client.next()).toMatchObject({ type: 'snapshot.end', data: { twins: 1 } });
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a number', '7'],
    ['null', 'null'],
    ['an unknown action', '{"action":"dance"}'],
    ['no id', '{"action":"subscribe","home":"h1"}'],
    ['a member too many', '{"action":"ping","id":1}'],
    ['an empty id', '{"action":"subscribe","id":"","home":"h1"}'],
  ])('answers %s with an error and goes on', async (_what, text) => {
    using client = await SocketClient.open(address);
    await client.next();
    client.send(text);
    const error = await client.next();
    expect(error).toMatchObject({ type: 'error', code: 'malformed', message: expect.any(String) });
    client.send({ action: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' });
  });

  it('refuses what cannot be followed, and goes on', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    client.send({ action: 'subscribe', id: 'a', home: 'h9' });
    expect(await client.next()).toMatchObject({
      type: 'error',
      subscription: 'a',
      code: 'unknown-home',
    });
    client.send({ action: 'subscribe', id: 'a', home: '../h1' });
    expect(await client.next()).toMatchObject({ code: 'unknown-home' });
    client.send({ action: 'unsubscribe', id: 'x' });
    expect(await client.next()).toMatchObject({ subscription: 'x', code: 'not-found' });
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    expect(await client.next()).toMatchObject({ type: 'subscribed' });
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    expect(await client.next()).toMatchObject({ subscription: 'a', code: 'conflict' });
  });

  it('costs the engine nothing where the client may not follow, or has gone before that is known', async () => {
    const { token } = await api.person('stranger@homeostat.test');
    using stranger = await SocketClient.open(address, token);
    await stranger.next();
    for (const home of ['h1', 'h9']) {
      stranger.send({ action: 'subscribe', id: 'a', home });
      expect(await stranger.next()).toMatchObject({ subscription: 'a', code: 'unknown-home' });
      expect(api.engine.changes.isFollowed(home)).toBe(false);
    }
    using client = await SocketClient.open(address);
    await client.next();
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    client.send({ action: 'unsubscribe', id: 'a' });
    client.send({ action: 'ping' });
    await client.nextOf('pong');
    client.send({ action: 'subscribe', id: 'a', home: 'h2' });
    await client.nextOf('subscribed');
    expect(api.engine.changes.subscribers).toBe(1);
  });

  it('refuses more subscriptions than it can serve', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    for (let n = 1; n <= 33; n++) client.send({ action: 'subscribe', id: `s${n}`, home: 'h1' });
    expect(await client.nextOf('error')).toMatchObject({ subscription: 's33', code: 'overloaded' });
    expect(api.engine.changes.subscribers).toBe(32);
    client.send({ action: 'unsubscribe', id: 's1' });
    await client.nextOf('unsubscribed');
    client.send({ action: 'subscribe', id: 's33', home: 'h1' });
    for (;;) {
      const { subscription } = await client.nextOf('subscribed');
      if (subscription === 's33') break;
    }
  });

  it('cuts off a client that sends more than a message may weigh', async () => {
    using client = await SocketClient.open(address);
    const ended = client.ended();
    client.send('x'.repeat(100_000));
    // RFC 6455 §7.4.1: message too big
    expect(await ended).toBe(1009);
    expect((await api.get('/healthz')).status).toBe(200);
  });

  it('cuts off a client that sends more in a second than any app has to say', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    for (let n = 1; n <= 100; n++) client.send({ action: 'ping' });
    for (let n = 1; n <= 100; n++) expect(await client.next()).toEqual({ type: 'pong' });
    api.clock.advance(1_000);
    client.send({ action: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' });
    const ended = client.ended();
    for (let n = 1; n <= 100; n++) client.send({ action: 'ping' });
    // RFC 6455 §7.4.1: policy violation
    expect(await ended).toBe(1008);
  });

  it('tells a client that fell behind how much it missed', async () => {
    using client = await SocketClient.open(address);
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    await client.nextOf('subscribed');
    for (let n = 1; n <= 1_200; n++) api.engine.changes.publish(changeOf(n));
    const lagged = await client.nextOf('lagged');
    expect(lagged).toMatchObject({ subscription: 'a', data: { missed: expect.any(Number) } });
  });

  it('bounds what waits for a client that never reads, and cuts it off', async () => {
    const [host, port] = address.split(':') as [string, string];
    using client = disposable(connect(Number(port), host));
    client.pause();
    client.write(handshake(address));
    const [socket] = (await once(api.app.websocketServer, 'connection')) as [
      import('ws').WebSocket,
    ];
    client.write(frame('{"action":"subscribe","id":"a","home":"h1"}'));
    while (api.engine.changes.subscribers === 0) await setImmediate();
    // The kernel takes some megabytes before anything waits in this process
    for (let n = 1; socket.bufferedAmount < MIB; n++) {
      api.engine.changes.publish(changeOf(n, 64 * 1024));
      await setImmediate();
    }
    for (let n = 1; n <= 2_000; n++) api.engine.changes.publish(changeOf(n, 64 * 1024));
    for (let n = 1; n <= 100; n++) await setImmediate();
    expect(socket.bufferedAmount).toBeLessThan(2 * MIB);
    const closed = once(socket, 'close');
    api.clock.advance(2 * HEARTBEAT_MS);
    await closed;
    expect(api.engine.changes.subscribers).toBe(0);
  });

  it('keeps a client that answers pings', async () => {
    using client = await SocketClient.open(address);
    await client.next();
    const [socket] = api.app.websocketServer.clients;
    for (let beat = 1; beat <= 3; beat++) {
      const pong = once(socket as import('ws').WebSocket, 'pong');
      api.clock.advance(HEARTBEAT_MS);
      await pong;
    }
    client.send({ action: 'ping' });
    expect(await client.nextOf('pong')).toBeTruthy();
  });

  it('gives its subscriptions up when the client goes', async () => {
    const client = await SocketClient.open(address);
    client.send({ action: 'subscribe', id: 'a', home: 'h1' });
    await client.nextOf('subscribed');
    const [socket] = api.app.websocketServer.clients;
    const closed = once(socket as import('ws').WebSocket, 'close');
    client[Symbol.dispose]();
    await closed;
    expect(api.engine.changes.subscribers).toBe(0);
  });

  it('ends when the server stops, saying so', async () => {
    using client = await SocketClient.open(address);
    const ended = client.ended();
    await api[Symbol.asyncDispose]();
    // RFC 6455 §7.4.1: going away
    expect(await ended).toBe(1001);
  });

  it('tells those who come without WebSocket', async () => {
    const answer = await api.get('/v1/live');
    expect([answer.status, answer.body.code]).toEqual([426, 'upgrade-required']);
    expect(answer.headers.upgrade).toBe('websocket');
  });
});

function handshake(address: string): string {
  return [
    `GET /v1/live?access_token=${TOKEN} HTTP/1.1`,
    `Host: ${address}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '',
    '',
  ].join('\r\n');
}

/** A masked text frame; the mask is zero. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function disposable<T extends { destroy(): unknown }>(socket: T): T & Disposable {
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() });
}
