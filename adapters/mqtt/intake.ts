import {
  type Address,
  assertAccepted,
  type Engine,
  EngineError,
  type Inbound,
  messageOf,
  type Receipt,
} from '../../engine/index.ts';
import type { Codec, Decoded, DecodedEvent, InboundPacket } from './codec.ts';
import type { CodecSet } from './codec-set.ts';
import { envelopeOf, type Provisioning } from './envelope-of.ts';
import type { MqttListener, PacketOutcome } from './signals.ts';
import { UnknownTopics } from './unknown-topics.ts';
import { isOverloaded, WaitingQueue } from './waiting-queue.ts';

/**
 * What the transport does with a packet: `settled` and `foreign` (nobody here asked for its topic)
 * are acknowledged, `withheld` is not, so that the sender sends it again.
 */
export type Verdict = 'settled' | 'foreign' | 'withheld';

export interface IntakeOptions {
  engine: Engine;
  codecs: CodecSet;
  /** What a home does with devices that it does not know. */
  provisioning: (home: string) => Provisioning;
  signal: MqttListener;
  /** A device has said that it is there: what waits for it may go out now. */
  onOnline: (device: Address) => void;
  /** Packets under way before {@link Intake.hasRoom} turns false. */
  limit: number;
}

/** The way in, the same for both transports: packet → codec → envelopes → engine → verdict. */
export class Intake implements Disposable {
  readonly #options: IntakeOptions;
  readonly #source: Disposable;
  #waiting = new Map<string, WaitingQueue>();
  readonly #unknown = new UnknownTopics();
  #underway = 0;
  #retries = 0;
  #stopped = false;
  #roomWanted: (() => void)[] = [];
  #idleWanted: (() => void)[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#source = options.engine.addPacketSource('mqtt', (topic, payload) =>
      this.#redeliver(topic, payload),
    );
  }

  /** Packets that have no verdict yet. */
  get underway(): number {
    return this.#underway;
  }
  get hasRoom(): boolean {
    return this.#underway < this.#options.limit;
  }
  /** Resolves when another packet may be taken. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
  }
  async idle(): Promise<void> {
    while (this.#underway > 0) {
      await new Promise<void>((resolve) => this.#idleWanted.push(resolve));
    }
  }
  /** Withholds every packet from now on; what is under way goes on. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#source[Symbol.dispose]();
  }

  /** Never rejects. Dispatches before it first awaits, so packets keep their order. */
  async take(packet: InboundPacket): Promise<Verdict> {
    if (this.#stopped) return 'withheld';
    this.#underway++;
    try {
      return await this.#take(packet);
    } catch (error) {
      this.#options.signal('packet.withheld', { topic: packet.topic, error: messageOf(error) });
      return 'withheld';
    } finally {
      this.#underway--;
      wakeAll(this.#roomWanted);
      if (this.#underway === 0) wakeAll(this.#idleWanted);
    }
  }

  async #take(packet: InboundPacket): Promise<Verdict> {
    const codec = this.#options.codecs.of(packet.topic);
    if (!codec) {
      if (!this.#options.codecs.wants(packet.topic)) {
        this.#settled(null, 'foreign');
        return 'foreign';
      }
      await this.#buryUnknown(
        null,
        packet,
        'A subscription covers this topic, but no dialect reads it.',
      );
      return 'settled';
    }
    const decoded = decodeSafely(codec, packet);
    const [first] = decoded;
    // Nearly every packet, so without a promise more than it needs
    if (decoded.length === 1 && first?.type === 'event') {
      const envelope = this.#envelope(packet, first, 0);
      this.#dispatched(codec, envelope, await this.#dispatch(envelope));
      return 'settled';
    }
    // Every envelope is dispatched before the first is awaited
    await Promise.all(decoded.map((one, index) => this.#one(codec, packet, one, index)));
    return 'settled';
  }

  async #one(codec: Codec, packet: InboundPacket, decoded: Decoded, index: number): Promise<void> {
    switch (decoded.type) {
      case 'ignored':
        this.#settled(codec, 'ignored');
        return;
      case 'unknown-topic':
        await this.#buryUnknown(codec, packet, decoded.hint);
        return;
      case 'refused': {
        this.#settled(codec, 'refused');
        const { code, error, hint, home = null, twin = null } = decoded;
        await this.#bury(packet, { code, error, hint, home, twin });
        return;
      }
      case 'event': {
        const envelope = this.#envelope(packet, decoded, index);
        this.#dispatched(codec, envelope, await this.#dispatch(envelope));
      }
    }
  }

  /** The engine has kept a rejected event as a dead letter itself. */
  #dispatched(codec: Codec, { home, twin, event }: Inbound, { status }: Receipt): void {
    this.#settled(codec, status);
    if (event.type === 'status' && event.online === true) this.#options.onOnline({ home, twin });
  }

  #dispatch(envelope: Inbound): Promise<Receipt> {
    const waiting = this.#waiting.get(envelope.home);
    if (waiting) return waiting.enqueue(envelope);
    return this.#options.engine.dispatch(envelope).catch((error: unknown) => {
      if (!isOverloaded(error)) throw error;
      return this.#enqueue(envelope);
    });
  }

  #enqueue(envelope: Inbound): Promise<Receipt> {
    const { home } = envelope;
    const known = this.#waiting.get(home);
    if (known) return known.enqueue(envelope);
    const queue = new WaitingQueue(this.#options.engine, home);
    this.#waiting.set(home, queue);
    const receipt = queue.enqueue(envelope);
    this.#options.signal('intake.waiting', { home, packets: queue.length });
    void queue.drain().then(() => this.#waiting.delete(home));
    return receipt;
  }

  #envelope(packet: InboundPacket, decoded: DecodedEvent, index: number): Inbound {
    const { engine } = this.#options;
    const provisioning = this.#options.provisioning(decoded.home);
    return envelopeOf(packet, decoded, index, { now: engine.clock.now(), provisioning });
  }

  /** The most packets that wait for one session, while its client is away or has not acknowledged them. */
  async #redeliver(topic: string, payload: Buffer): Promise<void> {
    // Each retry is an event of its own: two letters may hold equal readings
    const userId = `retry:${this.#options.engine.clock.now()}.${this.#retries++}`;
    const packet: InboundPacket = { topic, payload, qos: 1, dup: false, replayed: false, userId };
    const codec = this.#options.codecs.of(topic);
    if (!codec) throw new EngineError('bad-input', `no dialect reads ${topic}`);
    for (const [index, decoded] of decodeSafely(codec, packet).entries()) {
      if (decoded.type === 'refused') {
        throw new EngineError(decoded.code, decoded.error, { hint: decoded.hint });
      }
      if (decoded.type === 'unknown-topic') {
        throw new EngineError('bad-input', `no dialect has the topic ${topic}`, {
          hint: decoded.hint,
        });
      }
      if (decoded.type === 'ignored') continue;
      const envelope = this.#envelope(packet, decoded, index);
      const receipt = await this.#dispatch({ ...envelope, kept: true });
      assertAccepted(receipt);
    }
  }

  async #buryUnknown(codec: Codec | null, packet: InboundPacket, hint: string): Promise<void> {
    this.#settled(codec, 'unknown-topic');
    if (!this.#unknown.isNews(packet.topic, this.#options.engine.clock.now())) return;
    await this.#bury(packet, {
      code: 'bad-input',
      error: `unknown topic ${packet.topic}`,
      hint,
      home: null,
      twin: null,
    });
  }

  #bury(
    { topic, payload }: InboundPacket,
    why: Omit<Parameters<Engine['bury']>[0], 'source' | 'topic' | 'payload'>,
  ): Promise<void> {
    return this.#options.engine.bury({ source: 'mqtt', topic, payload, ...why });
  }

  #settled(codec: Codec | null, outcome: PacketOutcome): void {
    this.#options.signal('packet.settled', { codec: codec?.name ?? '-', outcome });
  }
}

/** A codec that throws must not keep the sender's next message from working. */
function decodeSafely(codec: Codec, packet: InboundPacket): Decoded[] {
  try {
    return codec.decode(packet);
  } catch (error) {
    return [
      {
        type: 'refused',
        code: 'bad-input',
        error: `the ${codec.name} codec failed: ${messageOf(error)}`,
        hint: 'This is a bug in the codec: please report it with this payload.',
      },
    ];
  }
}

function wakeAll(waiting: (() => void)[]): void {
  for (const wake of waiting.splice(0)) wake();
}
