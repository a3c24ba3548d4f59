const PUBLISH = 3;
const PUBACK = 4;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts what a broker sends into two byte streams of whole packets: PUBLISH and PUBACK, and all others. Reads the
 * fixed headers only. A packet that has not come whole is handed on as far as it has.
 */
export class PacketSplitter {
  readonly #messages: (bytes: Buffer) => void;
  readonly #others: (bytes: Buffer) => void;
  /** The beginning of a packet whose length has not come whole. */
  #head: Buffer = NOTHING;
  /** Bytes of the present packet that have not come. */
  #missing = 0;
  #isMessage = false;

  constructor(messages: (bytes: Buffer) => void, others: (bytes: Buffer) => void) {
    this.#messages = messages;
    this.#others = others;
  }

  take(chunk: Buffer): void {
    const data = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
    this.#head = NOTHING;
    // Of the bytes that go the same way
    let from = 0;
    let at = Math.min(this.#missing, data.length);
    this.#missing -= at;
    while (at < data.length) {
      const bytes = bytesOfPacket(data, at);
      if (bytes === null) {
        this.#give(data, from, at);
        this.#head = Buffer.from(data.subarray(at));
        return;
      }
      const type = (data[at] as number) >> 4;
      // A length that is none ends the connection: MQTT.js finds out, as all that follows is its own
      const isMessage = (type === PUBLISH || type === PUBACK) && Number.isFinite(bytes);
      if (isMessage !== this.#isMessage) {
        this.#give(data, from, at);
        from = at;
        this.#isMessage = isMessage;
      }
      const end = at + bytes;
      this.#missing = Math.max(0, end - data.length);
      at = Math.min(end, data.length);
    }
    this.#give(data, from, data.length);
  }

  #give(data: Buffer, from: number, to: number): void {
    if (from === to) return;
    const bytes = data.subarray(from, to);
    if (this.#isMessage) this.#messages(bytes);
    else this.#others(bytes);
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
