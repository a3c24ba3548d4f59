/** What the embedded broker keeps in memory of its clients' sessions, with a bound for each part. */
import { Readable } from 'node:stream';
import type { Aedes, Client } from 'aedes';

/** The most packets that wait for one session, while its client is away or has not acknowledged them. */
const MAX_QUEUED = 1_000;
const MAX_QUEUED_BYTES = 1024 * 1024;
/**
 * The most bytes that wait for all sessions together. Sessions outlive devices that were deleted, so their number alone
 * is no bound.
 */
const MAX_QUEUED_IN_ALL = 64 * 1024 * 1024;
/** What a message takes beside its payload, about. */
const MESSAGE_BYTES = 256;

interface Session {
  id: string;
}

/** A PUBLISH or PUBREL as aedes stores it. */
interface Queued {
  brokerId?: string;
  brokerCounter?: number;
  messageId?: number | undefined;
  payload?: Buffer;
}

/** The part of aedes' persistence that is replaced; its types leave it out. */
interface Memory {
  cleanSubscriptions(client: Session): Promise<unknown>;
  addSubscriptions(client: Client, subscriptions: { topic: string }[]): Promise<void>;
  outgoingEnqueue(session: { clientId: string }, packet: Queued): Promise<void>;
  outgoingEnqueueCombi(sessions: { clientId: string }[], packet: Queued): Promise<void>;
  outgoingUpdate(session: Session, packet: Queued): Promise<void>;
  outgoingClearMessageId(session: Session, packet: Queued): Promise<Queued | undefined>;
  outgoingStream(session: Session): Readable;
  incomingStorePacket(client: Session, packet: Queued): Promise<void>;
}

/**
 * Bounds the memory of sessions. Without this aedes keeps every message for a session whose client is away, also for
 * filters that were refused, and the payload of each QoS 2 message until its PUBREL.
 *
 * @param mayKeep whether the session may remember a subscription to the filter
 * @param mostInAll bytes of all sessions together; beyond them the session with the most loses its older half
 */
export function boundSessions(
  broker: Aedes,
  mayKeep: (client: Client, filter: string) => boolean,
  mostInAll = MAX_QUEUED_IN_ALL,
): SessionMemory {
  const memory = (broker as Aedes & { persistence: Memory }).persistence;
  const addSubscriptions = memory.addSubscriptions.bind(memory);
  const storeIncoming = memory.incomingStorePacket.bind(memory);
  const queues = new Queues(mostInAll);
  Object.assign(memory, {
    addSubscriptions: (client, subscriptions) =>
      addSubscriptions(
        client,
        subscriptions.filter(({ topic }) => mayKeep(client, topic)),
      ),
    outgoingEnqueue: async ({ clientId }, packet) => queues.add(clientId, packet),
    outgoingEnqueueCombi: async (sessions, packet) => {
      for (const { clientId } of sessions) queues.add(clientId, packet);
    },
    outgoingUpdate: async ({ id }, packet) => queues.of(id)?.update(packet),
    outgoingClearMessageId: async ({ id }, packet) => queues.of(id)?.remove(packet.messageId),
    outgoingStream: ({ id }) => Readable.from(queues.of(id)?.all ?? []),
    // aedes publishes at the PUBLISH, and asks later only whether it has had this id
    incomingStorePacket: (client, packet) =>
      storeIncoming(client, { ...packet, payload: Buffer.alloc(0) }),
  } satisfies Omit<Memory, 'cleanSubscriptions'>);
  return {
    async forget(id) {
      queues.forget(id);
      await memory.cleanSubscriptions({ id });
    },
  };
}

export interface SessionMemory {
  /** Ends a session whose client is away: its subscriptions and what waits for it. */
  forget(id: string): Promise<void>;
}

/** The queues of all sessions, by the session's id. */
class Queues {
  readonly #mostInAll: number;
  readonly #queues = new Map<string, Queue>();
  #bytes = 0;

  constructor(mostInAll: number) {
    this.#mostInAll = mostInAll;
  }

  of(id: string): Queue | undefined {
    return this.#queues.get(id);
  }

  add(id: string, packet: Queued): void {
    let queue = this.#queues.get(id);
    if (!queue) {
      queue = new Queue(
        (bytes) => {
          this.#bytes += bytes;
        },
        () => this.#queues.delete(id),
      );
      this.#queues.set(id, queue);
    }
    queue.add(packet);
    while (this.#bytes > this.#mostInAll && this.#largest().halve());
  }

  forget(id: string): void {
    this.#queues.get(id)?.clear();
    this.#queues.delete(id);
  }

  #largest(): Queue {
    return [...this.#queues.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a));
  }
}

/** Messages for one session, oldest first. A full queue drops the oldest: the newest desired state counts. */
class Queue {
  #packets: Queued[] = [];
  #payloadBytes = 0;
  readonly #onBytes: (more: number) => void;
  readonly #onEmpty: () => void;

  /** @param onBytes told by how much what it takes grows or shrinks */
  constructor(onBytes: (more: number) => void, onEmpty: () => void) {
    this.#onBytes = onBytes;
    this.#onEmpty = onEmpty;
  }

  get all(): Queued[] {
    return [...this.#packets];
  }

  get bytes(): number {
    return this.#payloadBytes + MESSAGE_BYTES * this.#packets.length;
  }

  add(packet: Queued): void {
    // A copy, as each session gives it a message id of its own
    this.#packets.push({ ...packet });
    this.#count(sizeOf(packet), 1);
    while (
      this.#packets.length > MAX_QUEUED ||
      (this.#payloadBytes > MAX_QUEUED_BYTES && this.#packets.length > 1)
    ) {
      this.#drop(1);
    }
  }

  /** Drops its older half. @returns whether there was anything to drop: the newest message stays */
  halve(): boolean {
    const half = Math.floor(this.#packets.length / 2);
    this.#drop(half);
    return half > 0;
  }

  clear(): void {
    this.#drop(this.#packets.length);
  }

  #drop(oldest: number): void {
    for (const packet of this.#packets.splice(0, oldest)) this.#count(-sizeOf(packet), -1);
  }

  #count(payloadBytes: number, messages: number): void {
    this.#payloadBytes += payloadBytes;
    this.#onBytes(payloadBytes + MESSAGE_BYTES * messages);
  }

  /** Gives a message its id, or puts a PUBREL in the place of the message with its id. */
  update(packet: Queued): void {
    const { brokerId, brokerCounter, messageId } = packet;
    for (const [index, one] of this.#packets.entries()) {
      if (one.brokerId === brokerId) {
        if (one.brokerCounter !== brokerCounter) continue;
        one.messageId = messageId;
        return;
      }
      if (one.messageId === messageId) {
        this.#count(sizeOf(packet) - sizeOf(one), 0);
        this.#packets[index] = packet;
        return;
      }
    }
    // Dropped by a newer one: it is sent all the same, and not again
  }

  remove(messageId: number | undefined): Queued | undefined {
    const index = this.#packets.findIndex((one) => one.messageId === messageId);
    if (index < 0) return undefined;
    const [removed] = this.#packets.splice(index, 1);
    this.#count(-sizeOf(removed), -1);
    if (this.#packets.length === 0) this.#onEmpty();
    return removed;
  }
}

function sizeOf(packet: Queued | undefined): number {
  return packet?.payload?.length ?? 0;
}
