import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { App } from './app.ts';

/** How long an answer that is under way may take when the server stops. */
const GRACE_MS = 5_000;

/**
 * Lets the server stop in good time. Node closes connections between two requests; it waits for
 * those that never sent one, which browsers open in advance, for answers that nobody reads, and for
 * those that ask for a WebSocket when nobody makes one any more.
 */
export function endConnectionsOnClose(app: App): void {
  /** Keyed by the other end: with TLS the request names another socket than the connection. */
  const silent = new Map<string, Socket>();
  const spoke = ({ socket }: IncomingMessage) => silent.delete(peerOf(socket));
  app.server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    silent.set(peer, socket);
    socket.once('close', () => silent.delete(peer));
  });
  app.server.on('request', spoke);
  let isStopping = false;
  app.server.on('upgrade', (request, socket) => {
    spoke(request);
    // Whatever is answered at once leaves; nobody would notice its end
    if (isStopping) setImmediate(() => socket.end(() => socket.destroy()));
  });

  app.addHook('preClose', async () => {
    isStopping = true;
    for (const socket of silent.values()) socket.destroy();
    const late = setTimeout(() => app.server.closeAllConnections(), GRACE_MS).unref();
    app.server.once('close', () => clearTimeout(late));
  });
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
