import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type IPublishPacket, MqttClient } from 'mqtt';
import { generate, type Packet, parser } from 'mqtt-packet';
import type { Clock } from '../../engine/index.ts';
import { PacketSplitter } from './packet-splitter.ts';

export type Publish = Omit<IPublishPacket, 'cmd' | 'qos' | 'dup' | 'messageId'>;

/** How often a connection whose messages have to wait is kept. Well below any keepalive: MQTT.js gives up after 1.5 of it. */
const KEEP_MS = 1_000;

/** The private part of MQTT.js that this file, and no other, relies on. */
interface Builds {
  streamBuilder: (client: MqttClient) => Duplex;
}

const TESTED = /^5\.16\./;
const PROTOCOL = { protocolVersion: 5 } as const;
const PUBACK = 0x40;
/** Packet ids up to here are ours, those above are MQTT.js' own (SUBSCRIBE). */
const MAX_ID = 60_000;
const MAX_ID_OF_ALL = 65_535;

export interface PathEvents {
  /**
   * A message, in the order of arrival.
   * @param acknowledge sends its PUBACK, if its connection is still the present one; does nothing at QoS 0
   * @returns a promise: the next one waits for it
   */
  onMessage: (packet: IPublishPacket, acknowledge: () => void) => Promise<void> | undefined;
  /** The broker has answered a publish. Reason code 0: it has taken it over. */
  onPuback: (packetId: number, reasonCode: number) => void;
}

/**
 * The way of PUBLISH and PUBACK, past MQTT.js, on the connection that it makes and keeps. MQTT.js handles one packet at
 * a time, acknowledges it before it is stored, and writes each packet in ten pieces: with this the engine takes a
 * message while former ones wait for their commit, acknowledges it afterwards, and all that leaves in one turn of the
 * event loop is one write. Messages are read and made by mqtt-packet, MQTT.js' own codec.
 */
export class MessagePath {
  #connection: Connection | null = null;
  #lastId = 0;

  /**
   * Call it before the client connects (`manualConnect`).
   * @throws Error when MQTT.js is another version than the one this was tested with
   */
  constructor(client: MqttClient, events: PathEvents, clock: Clock) {
    const version = String(MqttClient.VERSION);
    const builder = client as unknown as Partial<Builds>;
    const build = builder.streamBuilder;
    if (!TESTED.test(version) || typeof build !== 'function') {
      throw new Error(
        `MQTT.js ${version} is not the version that the message path was tested with (${TESTED.source}). ` +
          'Run adapters/mqtt/message-path.integration.test.ts with it, read connect() in lib/client, then widen TESTED.',
      );
    }
    client.messageIdProvider = new UpperIds();
    builder.streamBuilder = (built) => {
      const keep = () => {
        client.sendPing();
        client.reschedulePing(true);
      };
      this.#connection = new Connection(build.call(client, built), events, { clock, keep });
      return this.#connection;
    };
  }

  /**
   * Sends a PUBLISH at QoS 1.
   * @param underway packet ids that are not free
   * @param mostBytes that the broker takes
   * @returns its packet id, or why it is not sent
   */
  publish(
    packet: Publish,
    underway: ReadonlyMap<number, unknown>,
    mostBytes = Number.POSITIVE_INFINITY,
  ): number | 'away' | 'too-large' {
    const connection = this.#connection;
    if (!connection || connection.destroyed) return 'away';
    do this.#lastId = (this.#lastId % MAX_ID) + 1;
    while (underway.has(this.#lastId));
    const messageId = this.#lastId;
    const bytes = generate({ ...packet, cmd: 'publish', qos: 1, dup: false, messageId }, PROTOCOL);
    if (bytes.length > mostBytes) return 'too-large';
    connection.send(bytes);
    return messageId;
  }
}

interface Keeping {
  clock: Clock;
  /** Tells the broker that we live, and MQTT.js that the connection does. */
  keep: () => void;
}

/** What a stream of MQTT.js is to it: it carries all packets but messages and their acknowledgements. */
class Connection extends Duplex {
  readonly #stream: Duplex;
  readonly #events: PathEvents;
  readonly #packets = parser(PROTOCOL);
  readonly #splitter: PacketSplitter;
  /** Messages that have come and wait for a former one. */
  #waiting: IPublishPacket[] = [];
  #isHeld = false;
  readonly #keeping: Keeping;
  #alarm: Disposable | null = null;
  #unwritten: Buffer[] = [];

  constructor(stream: Duplex, events: PathEvents, keeping: Keeping) {
    super();
    this.#keeping = keeping;
    this.#stream = stream;
    this.#events = events;
    // A command must not wait until the one before it has been acknowledged (Nagle's algorithm)
    (stream as Partial<Socket>).setNoDelay?.(true);
    this.#packets.on('packet', (packet: Packet) => this.#take(packet));
    this.#packets.on('error', (error: Error) => this.#break(error));
    this.#splitter = new PacketSplitter({
      onPublish: (bytes) => this.#packets.parse(bytes),
      onPuback: events.onPuback,
      onOther: (bytes) => this.push(bytes),
      onFlaw: (error) => this.#break(error),
    });
    stream.on('data', (chunk: Buffer) => this.#splitter.take(chunk));
    stream.on('end', () => this.push(null));
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => this.destroy());
  }

  /** Written with all else that this turn of the event loop sends. */
  send(bytes: Buffer): void {
    if (this.#unwritten.push(bytes) === 1) process.nextTick(() => this.#write());
  }

  override _read(): void {
    // The few packets for MQTT.js come as they come
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void) {
    this.#write();
    this.#stream.write(chunk, encoding, done);
  }

  /** MQTT.js writes a packet in several pieces, which must stay together. */
  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#write();
    this.#stream.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#write();
    this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = [];
    this.#alarm?.[Symbol.dispose]();
    this.#stream.destroy();
    done(error);
  }

  #write(): void {
    const bytes = this.#unwritten;
    this.#unwritten = [];
    if (bytes.length > 0 && this.#stream.writable) this.#stream.write(Buffer.concat(bytes));
  }

  /** What the broker has sent cannot be understood. MQTT.js tells only of errors that have a code, and connects again. */
  #break(error: Error): void {
    this.destroy(Object.assign(error, { code: 'ERR_MQTT_PACKET' }));
  }

  #take(packet: Packet): void {
    if (packet.cmd !== 'publish' || this.destroyed) return;
    const flaw = flawOf(packet);
    if (flaw !== null) this.#break(new Error(`the broker has sent ${flaw}`));
    else if (this.#isHeld) this.#waiting.push(packet);
    else this.#hand(packet);
  }

  #hand(packet: IPublishPacket): void {
    const { messageId = 0 } = packet;
    const held = this.#events.onMessage(packet, () => this.#acknowledge(messageId));
    if (!held) return;
    this.#isHeld = true;
    this.#stream.pause();
    this.#keepHeld();
    void held.then(() => this.#handOn());
  }

  /**
   * The broker's answers to pings wait in the stream with its messages: for want of them MQTT.js would end the connection
   * again and again, and each time with all publishes under way. The broker is not made to wait any other way.
   */
  #keepHeld(): void {
    const { clock, keep } = this.#keeping;
    this.#alarm ??= clock.delay(KEEP_MS, () => {
      this.#alarm = null;
      if (!this.#isHeld || this.destroyed) return;
      keep();
      this.#keepHeld();
    });
  }

  #handOn(): void {
    this.#isHeld = false;
    for (let at = 0; at < this.#waiting.length; at++) {
      this.#hand(this.#waiting[at] as IPublishPacket);
      if (this.#isHeld) {
        this.#waiting = this.#waiting.slice(at + 1);
        return;
      }
    }
    this.#waiting = [];
    this.#stream.resume();
  }

  /** A packet id means something only on the connection that it came on: on a later one it may be another message's. */
  #acknowledge(messageId: number): void {
    if (messageId === 0 || this.destroyed) return;
    // MQTT 5, 3.4.2.1: without a reason code it is 0, success
    this.send(Buffer.from([PUBACK, 2, messageId >> 8, messageId & 0xff]));
  }
}

/** What a broker may not send us; null: nothing. */
function flawOf({ qos, messageId, properties }: IPublishPacket): string | null {
  if (qos === 2) return 'a message at QoS 2, which no subscription asks for';
  if (qos === 1 && !(messageId && messageId > 0)) return 'a message at QoS 1 without a packet id';
  if (properties?.topicAlias !== undefined) return 'a topic alias, of which we allow none';
  return null;
}

/** Packet ids for what MQTT.js sends itself. */
class UpperIds {
  #last = MAX_ID;

  allocate(): number {
    this.#last = this.#last < MAX_ID_OF_ALL ? this.#last + 1 : MAX_ID + 1;
    return this.#last;
  }
  getLastAllocated(): number {
    return this.#last;
  }
  register(): boolean {
    return true;
  }
  deallocate(): void {}
  clear(): void {}
}
