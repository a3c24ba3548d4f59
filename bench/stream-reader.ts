import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

export const STREAM_DOORS = ['server-sent events', 'WebSocket'] as const;
export type StreamDoor = (typeof STREAM_DOORS)[number];

export interface StreamMessage {
  event: string;
  /** Absent where the stream cannot go on after it. */
  id?: string | undefined;
  data: Record<string, unknown>;
}

export interface StreamReaderOptions {
  door: StreamDoor;
  /** Where the API is just now, such as `http://127.0.0.1:3000`. */
  url: () => string;
  token: string;
  home: string;
  /** Each message of the stream but what says only where it is. */
  onMessage: (message: StreamMessage) => void;
}

const RECONNECT_MS = 100;

/** Follows a home as an app does: whenever it is cut off it connects again, and goes on after its last message. */
export class StreamReader implements AsyncDisposable {
  readonly #options: StreamReaderOptions;
  readonly #running: Promise<void>;
  /** Ends the connection that there is. */
  #hangUp: () => void = () => {};
  #lastId: string | null = null;
  #isOver = false;
  #onOpen: () => void = () => {};

  private constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when it follows. */
  static async open(options: StreamReaderOptions): Promise<StreamReader> {
    const reader = new StreamReader(options);
    await new Promise<void>((resolve) => {
      reader.#onOpen = resolve;
    });
    return reader;
  }

  /** Breaks the connection off, with what has arrived and was not read. It connects again by itself. */
  cut(): void {
    this.#hangUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#hangUp();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await (this.#options.door === 'WebSocket' ? this.#socket() : this.#events());
      } catch {
        // Not there just now
      }
      if (!this.#isOver) await sleep(RECONNECT_MS);
    }
  }

  /** Resolves when the connection has ended. */
  async #socket(): Promise<void> {
    const { url, token, home } = this.#options;
    const socket = new WebSocket(`${url().replace('http', 'ws')}/v1/live`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const ended = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
    });
    socket.on('error', () => {}); // it closes, too
    let isCut = false;
    this.#hangUp = () => {
      isCut = true;
      socket.terminate();
    };
    socket.on('open', () => {
      const resume = this.#lastId !== null && { resume: this.#lastId };
      socket.send(JSON.stringify({ action: 'subscribe', id: 'all', home, ...resume }));
    });
    socket.on('message', (data) => {
      if (isCut) return;
      const { type, ...message } = JSON.parse(String(data)) as Omit<StreamMessage, 'event'> & {
        type: string;
      };
      if (type === 'hello') return;
      if (type === 'subscribed') this.#onOpen();
      else if (type === 'error') this.#hangUp();
      else this.#take({ event: type, ...message });
    });
    await ended;
  }

  async #events(): Promise<void> {
    const { url, token, home } = this.#options;
    const request = get(`${url()}/v1/homes/${home}/stream`, {
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        ...(this.#lastId !== null && { 'last-event-id': this.#lastId }),
      },
    });
    let isCut = false;
    this.#hangUp = () => {
      isCut = true;
      request.destroy();
    };
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    request.on('error', () => {}); // the response closes, too
    response.on('error', () => {});
    if (response.statusCode !== 200) this.#hangUp();
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) if (!isCut) this.#block(block);
    });
    if (!response.closed) await once(response, 'close');
  }

  #block(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    const [event = 'position', id, data = '{}'] = ['event', 'id', 'data'].map((name) =>
      fields.get(name),
    );
    if (event === 'hello') this.#onOpen();
    else if (event === 'error') this.#hangUp();
    else this.#take({ event, id, data: JSON.parse(data) as StreamMessage['data'] });
  }

  #take(message: StreamMessage): void {
    const { event, id, data } = message;
    if (id !== undefined) this.#lastId = id;
    if (event === 'position') return;
    if (event === 'lagged' && typeof data['resume'] === 'string') {
      // It has read too slowly, and a new stream tells what it has missed
      this.#lastId = data['resume'];
      this.#hangUp();
      return;
    }
    this.#options.onMessage(message);
  }
}
