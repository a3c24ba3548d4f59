import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { WebSocket } from 'ws';

/** Samples the CPU of a Node process that runs with `--inspect`, for what is measured and nothing before it. */
export class Profiler {
  readonly #socket: WebSocket;
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param output what the process has printed; Node names the inspector's address there */
  static async attach(output: string): Promise<Profiler> {
    const url = /Debugger listening on (ws:\S+)/.exec(output)?.[1];
    if (url === undefined) throw new Error('the process does not listen for a debugger');
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    const profiler = new Profiler(socket);
    await profiler.#call('Profiler.enable');
    await profiler.#call('Profiler.setSamplingInterval', { interval: 500 });
    return profiler;
  }

  async start(): Promise<void> {
    await this.#call('Profiler.start');
  }

  /** Writes a `.cpuprofile`, which browsers' developer tools show. */
  async stop(path: string): Promise<void> {
    const { profile } = (await this.#call('Profiler.stop')) as { profile: unknown };
    await writeFile(path, JSON.stringify(profile));
    this.#socket.terminate();
  }

  #call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => {
      const look = (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { id?: number; result?: unknown };
        if (message.id !== id) return;
        this.#socket.off('message', look);
        resolve(message.result);
      };
      this.#socket.on('message', look);
    });
  }
}
