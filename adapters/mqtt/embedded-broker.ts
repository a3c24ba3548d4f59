import type { EventEmitter } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import type { Clock } from '../../engine/index.ts';
import type { Authenticator, TlsSource } from './authenticator.ts';
import { ClientSessions } from './client-sessions.ts';
import { type ConnectionLimits, Connections, DEFAULT_LIMITS } from './connection-limits.ts';
import { guard } from './embedded-guard.ts';
import { EmbeddedPublisher } from './embedded-publisher.ts';
import { FrameWatch } from './frame-watch.ts';
import type { Intake } from './intake.ts';
import { boundSessions } from './session-memory.ts';
import type { MqttListener } from './signals.ts';

export interface EmbeddedOptions {
  host: string;
  port: number;
  /** The operator named this port: take it or fail. Otherwise the next free one will do. */
  portFixed: boolean;
  /** Without it only loopback can be listened on. */
  authenticator?: Authenticator | undefined;
  /** Whether clients may come without a name, and then do all. Default: on loopback. */
  anonymous?: boolean | undefined;
  /** Default: {@link DEFAULT_LIMITS}. */
  limits?: Partial<ConnectionLimits> | undefined;
  /** Default: none. */
  tls?: TlsSource | undefined;
  /** The first levels of our own topics. */
  root: string;
  clock: Clock;
  signal: MqttListener;
  /** Something may have become deliverable. */
  onReachable: () => void;
}

/**
 * What one packet may have. aedes holds what has come of it: so until a client has been let in, a little more than
 * the longest CONNECT; then above the 256 KiB that codecs take, so that who sends more learns of it by a dead letter
 * and not by a closed connection.
 */
const MAX_PACKET_BYTES = { before: 16 * 1024, device: 512 * 1024, bridge: 4 * 1024 * 1024 };
/** How long a CONNECT packet may take to arrive whole. */
const CONNECT_MS = 10_000;
const PORTS_TRIED = 20;

/**
 * An MQTT 3.1.1 broker inside the process. A publish to the engine is acknowledged after its
 * commit: aedes writes the PUBACK before it publishes, and only `authorizePublish` runs earlier.
 */
export class EmbeddedBroker implements AsyncDisposable {
  readonly url: string;
  readonly publisher: EmbeddedPublisher;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #held: readonly Disposable[];

  private constructor(
    options: EmbeddedOptions,
    { broker, publisher, server, sockets, held }: Parts,
  ) {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : options.port;
    const scheme = options.tls ? 'mqtts' : 'mqtt';
    this.url = `${scheme}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
    this.publisher = publisher;
    this.#broker = broker;
    this.#server = server;
    this.#sockets = sockets;
    this.#held = held;
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
    prepare: (publisher: EmbeddedPublisher) => (filter: string) => Promise<void>,
  ): Promise<EmbeddedBroker> {
    const { host, root, authenticator, clock, signal, onReachable } = options;
    const { anonymous = isLoopback(host) } = options;
    assertSafe(options, anonymous);
    const broker = await Aedes.createBroker({
      id: 'homeostat',
      queueLimit: 1_000,
      connectTimeout: CONNECT_MS,
      // No limit of messages under way in all: a hundred that clients do not read would hold up everyone's
      concurrency: 0,
    });
    const failed = (error: unknown) =>
      signal('background.failed', { task: 'embedded broker', error });
    const sessions = new ClientSessions({
      ...{ root, authenticator: authenticator ?? null, clock },
      endSession: (id) => void stored.forget(id).catch(failed),
    });
    const mayHear = sessions.mayHear.bind(sessions);
    const stored = boundSessions(broker, sessions.hasFilter.bind(sessions));
    broker.on('unsubscribe', (filters, client) => sessions.unsubscribed(client, filters));
    const publisher = new EmbeddedPublisher(broker, { clock, mayHear, onReachable });
    guard(broker, { anonymous, root, signal }, sessions, intake, prepare(publisher));
    const connections = new Connections({ ...DEFAULT_LIMITS, ...options.limits });
    const entrance = { broker, sessions, publisher, connections, signal };
    const { server, renewal } = serve(options, (socket) => accept(entrance, socket));
    const sockets = socketsOf(server);
    const held = [sessions, ...(renewal ? [renewal] : [])];
    (broker as EventEmitter).on('error', failed);
    try {
      await bind(server, options);
      server.on('error', failed);
    } catch (error) {
      for (const one of held) one[Symbol.dispose]();
      await close(broker);
      throw error;
    }
    return new EmbeddedBroker(options, { broker, publisher, server, sockets, held });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await close(this.#broker);
    // Those that were just coming in are none of its clients yet
    for (const socket of this.#sockets) socket.destroy();
    this.publisher[Symbol.dispose]();
    for (const one of this.#held) one[Symbol.dispose]();
    await closed;
  }
}

interface Parts {
  broker: Aedes;
  publisher: EmbeddedPublisher;
  server: Server;
  sockets: ReadonlySet<Socket>;
  held: readonly Disposable[];
}

/** @throws Error for what would let everybody in */
function assertSafe({ host, authenticator }: EmbeddedOptions, anonymous: boolean): void {
  if (isLoopback(host)) return;
  if (!authenticator) {
    throw new Error(
      `The embedded broker has no passwords to check, so it listens on 127.0.0.1 only, not on ${host}. ` +
        'Give devices secrets, or connect to a broker of your own with MQTT_URL.',
    );
  }
  if (anonymous) {
    throw new Error(
      `Whoever reaches ${host} could come in without a name: that is for 127.0.0.1 only.`,
    );
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function serve(
  { tls, signal }: EmbeddedOptions,
  onConnection: (socket: Socket) => void,
): { server: Server; renewal: Disposable | null } {
  if (!tls) return { server: createServer({ noDelay: true }, onConnection), renewal: null };
  const options = { ...tls.current, minVersion: 'TLSv1.2' as const, noDelay: true };
  const server: TlsServer = createTlsServer(options, onConnection);
  server.on('tlsClientError', ({ message }) =>
    signal('client.refused', { client: '-', reason: message }),
  );
  return { server, renewal: tls.subscribe((renewed) => server.setSecureContext(renewed)) };
}

/** The connections that are open, whatever they have said. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

interface Entrance {
  broker: Aedes;
  sessions: ClientSessions;
  publisher: EmbeddedPublisher;
  connections: Connections;
  signal: MqttListener;
}

function accept(entrance: Entrance, socket: Socket): void {
  const { broker, sessions, publisher, connections, signal } = entrance;
  const slot = connections.enter(socket.remoteAddress ?? '');
  if (typeof slot === 'string') {
    signal('client.refused', { client: '-', reason: slot });
    socket.destroy();
    return;
  }
  socket.once('close', () => slot[Symbol.dispose]());
  const client = broker.handle(socket);
  let limit = MAX_PACKET_BYTES.before;
  const watch = new FrameWatch(limit, {
    onPuback: (packetId) => publisher.acknowledged(client.id, packetId),
    onTooLarge: (bytes) => {
      const reason = `a packet of ${bytes} bytes; the limit is ${limit}`;
      signal('client.refused', { client: client.id ?? '-', reason });
      socket.destroy();
    },
  });
  client.once('connected', () => {
    slot.admitted();
    limit = sessions.isDevice(client) ? MAX_PACKET_BYTES.device : MAX_PACKET_BYTES.bridge;
    watch.limit = limit;
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
