import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
/** Written bytes are gathered to this size: a device has one event in a packet, a fleet has many. */
const FLUSH_BYTES = 32 * 1024;

/**
 * An MQTT 3.1.1 connection with QoS 1 and nothing else, as lean as Node allows: what generates the load
 * must not be what is measured.
 */
export class WireClient {
  /** A message from the broker; it is acknowledged when this returns. */
  onMessage: (topic: Buffer, payload: Buffer) => void = () => {};
  /** The broker has taken over a publish. */
  onPuback: (packetId: number) => void = () => {};
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #flushing = false;
  #packetId = 0;
  #answers: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
  }

  static async connect(url: string, clientId: string): Promise<WireClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port || 1883), hostname);
    await once(socket, 'connect');
    const client = new WireClient(socket);
    const id = text(clientId);
    // Clean session, keep alive off
    await client.#ask(frame(0x10, Buffer.from([0, 4, 77, 81, 84, 84, 4, 2, 0, 0]), id));
    return client;
  }

  async subscribe(filter: string): Promise<void> {
    await this.#ask(frame(0x82, this.#nextPacketId(), text(filter), Buffer.from([1])));
  }

  /** @param topic with its length before it, see {@link topicBytes} */
  publish(topic: Buffer, payload: string): number {
    const body = Buffer.byteLength(payload);
    const length = topic.length + 2 + body;
    const packet = Buffer.allocUnsafe(1 + (length < 128 ? 1 : length < 16_384 ? 2 : 3) + length);
    packet[0] = 0x32;
    let at = writeLength(packet, 1, length);
    at += topic.copy(packet, at);
    this.#packetId = (this.#packetId % 65_535) + 1;
    at = packet.writeUInt16BE(this.#packetId, at);
    packet.write(payload, at);
    this.#write(packet);
    return this.#packetId;
  }

  end(): void {
    this.#socket.destroy();
  }

  #nextPacketId(): Buffer {
    this.#packetId = (this.#packetId % 65_535) + 1;
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeUInt16BE(this.#packetId);
    return bytes;
  }

  async #ask(packet: Buffer): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#answers.push(resolve));
    this.#write(packet);
    await answered;
  }

  #write(packet: Buffer): void {
    this.#pending.push(packet);
    this.#pendingBytes += packet.length;
    if (this.#pendingBytes >= FLUSH_BYTES) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.#flush());
    }
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#pending.length === 0) return;
    this.#socket.write(Buffer.concat(this.#pending, this.#pendingBytes));
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #take(chunk: Buffer): void {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const next = this.#packet(data, at);
      if (next === null) break;
      at = next;
    }
    this.#rest = data.subarray(at);
  }

  /** @returns where the next packet begins; null when this one has not come whole */
  #packet(data: Buffer, start: number): number | null {
    if (data.length < start + 2) return null;
    let length = 0;
    let shift = 0;
    let at = start + 1;
    for (;;) {
      const byte = data[at++];
      if (byte === undefined) return null;
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    const end = at + length;
    if (data.length < end) return null;
    const head = data[start] ?? 0;
    switch (head >> 4) {
      case PUBLISH: {
        const topicEnd = at + 2 + data.readUInt16BE(at);
        const isAcknowledged = (head & 6) !== 0;
        this.onMessage(
          data.subarray(at + 2, topicEnd),
          data.subarray(isAcknowledged ? topicEnd + 2 : topicEnd, end),
        );
        if (isAcknowledged)
          this.#write(Buffer.from([0x40, 2, data[topicEnd] ?? 0, data[topicEnd + 1] ?? 0]));
        break;
      }
      case PUBACK:
        this.onPuback(data.readUInt16BE(at));
        break;
      case CONNACK:
      case SUBACK:
        this.#answers.shift()?.();
        break;
      default:
        throw new Error(`a packet of type ${head >> 4} was not expected`);
    }
    return end;
  }
}

/** A topic as a PUBLISH carries it: made once for each device. */
export function topicBytes(topic: string): Buffer {
  return text(topic);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function frame(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.allocUnsafe(5);
  head[0] = type;
  return Buffer.concat([head.subarray(0, writeLength(head, 1, body.length)), body]);
}

function writeLength(into: Buffer, start: number, length: number): number {
  let at = start;
  let rest = length;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    into[at++] = rest > 0 ? byte | 0x80 : byte;
  } while (rest > 0);
  return at;
}
