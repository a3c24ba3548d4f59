import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WebSocket } from 'ws';

/** Looks into a Node process that runs with `--inspect`: its processor time and its heap. */
export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param output what the process has printed; Node names the inspector's address there */
  static async attach(output: string): Promise<Inspector> {
    const url = /Debugger listening on (ws:\S+)/.exec(output)?.[1];
    if (url === undefined) throw new Error('the process does not listen for a debugger');
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    const inspector = new Inspector(socket);
    return inspector;
  }

  /** From here to {@link stopProfile} the processor's time is sampled. */
  async startProfile(): Promise<void> {
    await this.#call('Profiler.enable');
    await this.#call('Profiler.setSamplingInterval', { interval: 500 });
    await this.#call('Profiler.start');
  }

  /** Writes a `.cpuprofile`, which browsers' developer tools show. */
  async stopProfile(path: string): Promise<void> {
    const { profile } = (await this.#call('Profiler.stop')) as { profile: unknown };
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(profile));
  }

  /** What its live objects take, after a full collection, bytes. */
  async heapBytes(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize;
  }

  [Symbol.dispose](): void {
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
