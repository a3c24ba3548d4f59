import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a bad wire does to what passes through it. */
export interface Disturbance {
  /** Random numbers in [0, 1): where chunks are halved, how long they wait, when connections are cut. */
  random: () => number;
  /** Up to how long each piece waits. */
  delayMs: number;
  /** Whether chunks arrive in two pieces. */
  halves: boolean;
  /** About how many chunks pass before their connection is cut, in the middle of one; 0: never. */
  cutAfter: number;
}

/** A wire between a program and its server that can be disturbed, cut and mended. */
export class Wire implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  #disturbance: Disturbance | null = null;
  #cuts = 0;

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => {
      if (this.#cut) {
        near.destroy();
        return;
      }
      const far = connect(target);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        void this.#carry(from, to);
      }
    });
  }

  static async to(target: { host: string; port: number }): Promise<Wire> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Wire(server, target);
  }

  /** How many connections a disturbance has cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Sets the fault from now on, for connections that are open as for new ones; null: a good wire again. */
  disturb(disturbance: Disturbance | null): void {
    this.#disturbance = disturbance;
  }

  /** Ends all connections and refuses new ones. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Piece by piece, each after the former has left: what is slow holds back who writes. */
  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        await this.#pass(chunk as Buffer, to);
        if (to.destroyed) return;
      }
      to.end();
    } catch {
      to.destroy(); // the other side has broken off
    }
  }

  async #pass(chunk: Buffer, to: Socket): Promise<void> {
    const trouble = this.#disturbance;
    if (!trouble) return write(to, chunk);
    const { random, delayMs, halves, cutAfter } = trouble;
    const middle = halves ? 1 + Math.floor(random() * (chunk.length - 1)) : chunk.length;
    await sleep(delayMs * random());
    await write(to, chunk.subarray(0, middle));
    if (cutAfter > 0 && random() < 1 / cutAfter) {
      this.#cuts++;
      to.destroy();
    }
    if (middle === chunk.length || to.destroyed) return;
    await sleep(delayMs * random());
    await write(to, chunk.subarray(middle));
  }
}

/** Resolves when it has left, or cannot any more. */
async function write(to: Socket, piece: Buffer): Promise<void> {
  if (to.destroyed) return;
  await new Promise<void>((resolve) => to.write(piece, () => resolve()));
}
