const PUBACK = 4;

export interface FrameEvents {
  /** A packet announces more bytes than allowed; nothing after it is watched. */
  onTooLarge: (bytes: number) => void;
  onPuback: (packetId: number) => void;
}

/**
 * Reads along with what a client sends, packet headers only. aedes buffers a packet whole before
 * anyone may refuse it, and tells of a PUBACK only for persistent sessions: this sees both in time.
 */
export class FrameWatch {
  #limit: number;
  readonly #events: FrameEvents;
  #state: 'type' | 'length' | 'body' | 'over' = 'type';
  #type = 0;
  #length = 0;
  #shift = 0;
  /** Bytes of the body that have not come yet. */
  #missing = 0;
  #packetId = 0;

  constructor(limit: number, events: FrameEvents) {
    this.#limit = limit;
    this.#events = events;
  }

  /** Takes effect from the next packet on. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  see(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length && this.#state !== 'over') {
      if (this.#state === 'body') position += this.#body(chunk, position);
      else this.#header(chunk[position++] as number);
    }
  }

  #header(byte: number): void {
    if (this.#state === 'type') {
      this.#type = byte >> 4;
      this.#length = 0;
      this.#shift = 0;
      this.#packetId = 0;
      this.#state = 'length';
      return;
    }
    // MQTT 3.1.1, 2.2.3: seven bits a byte, least significant first, at most four bytes
    this.#length += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if (byte >= 0x80 && this.#shift < 28) return;
    if (this.#length > this.#limit) {
      this.#state = 'over';
      this.#events.onTooLarge(this.#length);
      return;
    }
    this.#missing = this.#length;
    this.#state = this.#missing > 0 ? 'body' : 'type';
  }

  /** @returns how many bytes it has consumed */
  #body(chunk: Buffer, position: number): number {
    const step = Math.min(this.#missing, chunk.length - position);
    if (this.#type === PUBACK) {
      for (let index = 0; index < step && this.#length - this.#missing + index < 2; index++) {
        this.#packetId = this.#packetId * 256 + (chunk[position + index] as number);
      }
    }
    this.#missing -= step;
    if (this.#missing === 0) {
      this.#state = 'type';
      if (this.#type === PUBACK) this.#events.onPuback(this.#packetId);
    }
    return step;
  }
}
