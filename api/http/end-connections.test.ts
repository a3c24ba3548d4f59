import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import type { App } from './app.ts';
import { endConnectionsOnClose } from './end-connections.ts';

const UPGRADE = [
  'GET /live HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

test.each([
  ['before the WebSocket server has closed', false],
  ['after it has closed', true],
])(
  'a connection that asks for a WebSocket while the server stops, %s, does not hold it up',
  async (_, afterwards) => {
    const app = Fastify();
    endConnectionsOnClose(app as unknown as App);
    let goOn = () => {};
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const holdUp = () => {
      begin();
      return new Promise<void>((resolve) => {
        goOn = resolve;
      });
    };
    if (!afterwards) app.addHook('preClose', holdUp);
    await app.register(websocket);
    if (afterwards) app.addHook('preClose', holdUp);
    app.get('/live', { websocket: true }, () => {});
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    // So that the server knows it, and does not count it among those that never said anything
    socket.write('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');

    const closed = app.close();
    await begun;
    socket.write(UPGRADE);
    // The other end keeps its half open
    await once(socket.resume(), 'end');
    goOn();
    await closed;
    expect(app.server.listening).toBe(false);
    socket.destroy();
  },
);
