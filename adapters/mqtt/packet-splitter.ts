const PUBLISH = 3;
const PUBACK = 4;
const NOTHING = Buffer.alloc(0);
/** The size of a PUBACK: type, length (4 at most), packet id, reason code. What comes after is for people to read. */
const ACK_BYTES = 8;

export interface Ways {
  /** Bytes of PUBLISH packets. */
  onPublish: (bytes: Buffer) => void;
  /** MQTT 5, 3.4.2.1: without a reason code it is 0, success. */
  onPuback: (packetId: number, reasonCode: number) => void;
  /** Bytes of all other packets. */
  onOther: (bytes: Buffer) => void;
  /** What comes is not MQTT; nothing after it is read. */
  onFlaw: (error: Error) => void;
}

/**
 * Gives what a broker sends its way, packet by packet. Reads the fixed headers, and PUBACKs as a whole: their reason
 * codes are more than mqtt-packet knows. Other packets that have not come whole are handed on as far as they have.
 */
export class PacketSplitter {
  readonly #ways: Ways;
  /** The beginning of a packet whose length has not come whole. */
  #head: Buffer = NOTHING;
  #type = 0;
  /** Bytes of the present packet that have not come. */
  #missing = 0;
  /** The beginning of the present PUBACK. */
  #ack: Buffer = NOTHING;
  #isOver = false;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  take(chunk: Buffer): void {
    if (this.#isOver) return;
    const data = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
    this.#head = NOTHING;
    // Of the bytes that go the same way
    let from = 0;
    let at = Math.min(this.#missing, data.length);
    this.#missing -= at;
    while (at < data.length && !this.#isOver) {
      const bytes = bytesOfPacket(data, at);
      if (bytes === null) {
        this.#give(data, from, at);
        this.#head = Buffer.from(data.subarray(at));
        return;
      }
      if (!Number.isFinite(bytes)) {
        this.#give(data, from, at);
        this.#end('a packet whose length is none');
        return;
      }
      const type = (data[at] as number) >> 4;
      if (type !== this.#type || type === PUBACK) {
        this.#give(data, from, at);
        from = at;
        this.#type = type;
      }
      const end = at + bytes;
      this.#missing = Math.max(0, end - data.length);
      at = Math.min(end, data.length);
    }
    this.#give(data, from, at);
  }

  #give(data: Buffer, from: number, to: number): void {
    if (from === to || this.#isOver) return;
    const bytes = data.subarray(from, to);
    if (this.#type === PUBLISH) this.#ways.onPublish(bytes);
    else if (this.#type === PUBACK) this.#takeAck(bytes);
    else this.#ways.onOther(bytes);
  }

  #takeAck(bytes: Buffer): void {
    this.#ack = this.#ack.length > 0 ? Buffer.concat([this.#ack, bytes]) : bytes;
    if (this.#missing > 0) {
      this.#ack = Buffer.from(this.#ack.subarray(0, ACK_BYTES));
      return;
    }
    const ack = this.#ack;
    this.#ack = NOTHING;
    let body = 1;
    while ((ack[body] as number) >= 0x80) body++;
    body++;
    if (ack.length < body + 2) {
      this.#end('a PUBACK without a packet id');
      return;
    }
    this.#ways.onPuback(ack.readUInt16BE(body), ack[body + 2] ?? 0);
  }

  #end(flaw: string): void {
    this.#isOver = true;
    this.#ways.onFlaw(new Error(`the broker has sent ${flaw}`));
  }
}

/**
 * MQTT 5, 2.1.4: seven bits a byte, least significant first, at most four bytes.
 * @returns bytes of the packet with its header; null: its length has not come whole; infinite: it has none
 */
function bytesOfPacket(data: Buffer, start: number): number | null {
  let length = 0;
  for (let n = 0; n < 4; n++) {
    const byte = data[start + 1 + n];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) return 2 + n + length;
  }
  return Number.POSITIVE_INFINITY;
}
