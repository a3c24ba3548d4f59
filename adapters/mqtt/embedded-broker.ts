import type { EventEmitter } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { Clock } from '../../engine/index.ts';
import { Courier } from './courier.ts';
import { type Door, guard, isLoopback } from './embedded-guard.ts';
import { FrameWatch } from './frame-watch.ts';
import type { Intake } from './intake.ts';
import type { MqttListener } from './signals.ts';

export interface EmbeddedOptions extends Door {
  port: number;
  /** The operator named this port: take it or fail. Otherwise the next free one will do. */
  portFixed: boolean;
  clock: Clock;
  /** Something may have become deliverable. */
  onReachable: () => void;
}

/** Above the 256 KiB that codecs take, so that a device learns of it by a dead letter and not by a closed connection. */
const MAX_PACKET_BYTES = 4 * 1024 * 1024;
const PORTS_TRIED = 20;

/**
 * An MQTT 3.1.1 broker inside the process. A publish to the engine is acknowledged after its
 * commit: aedes writes the PUBACK before it publishes, and only `authorizePublish` runs earlier.
 */
export class EmbeddedBroker implements AsyncDisposable {
  readonly url: string;
  readonly courier: Courier;
  readonly #broker: Aedes;
  readonly #server: Server;

  private constructor(options: EmbeddedOptions, broker: Aedes, courier: Courier, server: Server) {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : options.port;
    this.url = `mqtt://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
    this.courier = courier;
    this.#broker = broker;
    this.#server = server;
    options.signal('listening', {
      url: this.url,
      moved: options.port !== 0 && port !== options.port,
    });
  }

  /**
   * @param prepare called with each filter before its subscription is answered
   * @throws Error when it may not listen there, or cannot
   */
  static async listen(
    options: EmbeddedOptions,
    intake: Intake,
    prepare: (courier: Courier) => (filter: string) => Promise<void>,
  ): Promise<EmbeddedBroker> {
    if (!isLoopback(options.host) && !options.authenticate) {
      throw new Error(
        `The embedded broker has no passwords to check, so it listens on 127.0.0.1 only, not on ${options.host}. ` +
          'Configure users, or connect to a broker of your own with MQTT_URL.',
      );
    }
    const broker = await Aedes.createBroker({ id: 'homeostat', queueLimit: 1_000 });
    const courier = new Courier(broker, options.clock, options.onReachable);
    guard(broker, options, intake, prepare(courier));
    const server = createServer({ noDelay: true }, (socket) =>
      accept(broker, socket, courier, options.signal),
    );
    const failed = (error: unknown) =>
      options.signal('background.failed', { task: 'embedded broker', error });
    (broker as EventEmitter).on('error', failed);
    try {
      await bind(server, options);
      server.on('error', failed);
    } catch (error) {
      await close(broker);
      throw error;
    }
    return new EmbeddedBroker(options, broker, courier, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await close(this.#broker);
    this.courier[Symbol.dispose]();
    await closed;
  }
}

function accept(broker: Aedes, socket: Socket, courier: Courier, signal: MqttListener): void {
  const client = broker.handle(socket);
  const watch = new FrameWatch(MAX_PACKET_BYTES, {
    onPuback: (packetId) => courier.acknowledged(client.id, packetId),
    onTooLarge: (bytes) => {
      const reason = `a packet of ${bytes} bytes; the limit is ${MAX_PACKET_BYTES}`;
      signal('client.refused', { client: client.id ?? '-', reason });
      socket.destroy();
    },
  });
  // After aedes has taken `readable`: then `data` only reads along with what aedes reads
  socket.on('data', (chunk: Buffer) => watch.see(chunk));
}

async function bind(server: Server, { host, port, portFixed }: EmbeddedOptions): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port === 0 ? 0 : port + attempt, host, () => {
          server.removeListener('error', reject);
          resolve();
        });
      });
      return;
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      if (!taken || portFixed || attempt >= PORTS_TRIED) throw error;
    }
  }
}

function close(broker: Aedes): Promise<void> {
  return new Promise((resolve) => broker.close(() => resolve()));
}
