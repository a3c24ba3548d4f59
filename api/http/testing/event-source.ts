import { TOKEN } from './api-bench.ts';

export interface ServerSentEvent {
  event: string;
  data: Record<string, unknown>;
}

/** Reads a stream of server-sent events as a browser would. */
export class EventSourceReader implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = '';
  /** The id of the last message that had one: a browser sends it when it connects again. */
  lastId: string | null = null;
  /** Comments seen so far. */
  readonly comments: string[] = [];

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    const body = response.body as ReadableStream<Uint8Array>;
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(
    url: string,
    { token = TOKEN, lastId }: { token?: string; lastId?: string | null } = {},
  ): Promise<EventSourceReader> {
    const abort = new AbortController();
    const headers = {
      authorization: `Bearer ${token}`,
      ...(lastId != null && { 'last-event-id': lastId }),
    };
    return new EventSourceReader(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** The next event; null at the end of the stream. */
  async next(): Promise<ServerSentEvent | null> {
    for (;;) {
      const block = await this.#block();
      if (block === null) return null;
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon === 0) this.comments.push(line.slice(1).trim());
        else fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
      }
      const data = fields.get('data');
      const id = fields.get('id');
      if (id !== undefined) this.lastId = id;
      // A browser dispatches nothing then
      if (id !== undefined && data === undefined) continue;
      if (data === undefined) return { event: 'comment', data: {} };
      return {
        event: fields.get('event') ?? 'message',
        data: JSON.parse(data) as Record<string, unknown>,
      };
    }
  }

  /** The next event of this type, passing over others. */
  async nextOf(event: string): Promise<Record<string, unknown>> {
    for (;;) {
      const next = await this.next();
      if (next === null) throw new Error(`the stream ended before any "${event}"`);
      if (next.event === event) return next.data;
    }
  }

  async #block(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // What was not read would keep the pipe, and so the end, waiting. It fails as what was aborted does
    await this.#reader.cancel().catch(() => undefined);
  }
}
