import { once } from 'node:events';
import { WebSocket } from 'ws';
import { TOKEN } from './api-bench.ts';

export type SocketMessage = Record<string, unknown> & { type: string };

/** A WebSocket client that keeps what it was sent until a test asks for it. */
export class SocketClient implements Disposable {
  readonly #socket: WebSocket;
  #received: SocketMessage[] = [];
  #arrived: () => void = () => {};
  #closed = false;
  /** The id of the last message that had one. */
  lastId: string | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.#received.push(JSON.parse(String(data)) as SocketMessage);
      this.#arrived();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#arrived();
    });
  }

  static async open(address: string, token = TOKEN): Promise<SocketClient> {
    const socket = new WebSocket(`ws://${address}/v1/live?access_token=${token}`);
    const client = new SocketClient(socket);
    await once(socket, 'open');
    return client;
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message that says more than where the stream is; throws when the connection ends first. */
  async next(): Promise<SocketMessage> {
    for (;;) {
      const message = this.#received.shift();
      if (typeof message?.['id'] === 'string') this.lastId = message['id'];
      if (message?.type === 'position') continue;
      if (message) return message;
      if (this.#closed) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** The next message of this type, passing over others. */
  async nextOf(type: string): Promise<SocketMessage> {
    for (;;) {
      const message = await this.next();
      if (message.type === type) return message;
    }
  }

  /** The close code, once it has ended. */
  async ended(): Promise<number> {
    const [code] = (await once(this.#socket, 'close')) as [number];
    return code;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
