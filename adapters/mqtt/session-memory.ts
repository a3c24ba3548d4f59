/** What the embedded broker keeps in memory of its clients' sessions, with a bound for each part. */
import { Readable } from 'node:stream';
import type { Aedes, Client } from 'aedes';

/** Of one session, while its client is away or has not acknowledged them. */
const MOST_QUEUED = 1_000;
const MOST_QUEUED_BYTES = 1024 * 1024;

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
 */
export function boundSessions(
  broker: Aedes,
  mayKeep: (client: Client, filter: string) => boolean,
): void {
  const memory = (broker as Aedes & { persistence: Memory }).persistence;
  const addSubscriptions = memory.addSubscriptions.bind(memory);
  const storeIncoming = memory.incomingStorePacket.bind(memory);
  const queues = new Map<string, Queue>();
  const queueOf = (id: string): Queue => {
    const known = queues.get(id);
    if (known) return known;
    const queue = new Queue(() => queues.delete(id));
    queues.set(id, queue);
    return queue;
  };
  Object.assign(memory, {
    addSubscriptions: (client, subscriptions) =>
      addSubscriptions(
        client,
        subscriptions.filter(({ topic }) => mayKeep(client, topic)),
      ),
    outgoingEnqueue: async ({ clientId }, packet) => queueOf(clientId).add(packet),
    outgoingEnqueueCombi: async (sessions, packet) => {
      for (const { clientId } of sessions) queueOf(clientId).add(packet);
    },
    outgoingUpdate: async ({ id }, packet) => queues.get(id)?.update(packet),
    outgoingClearMessageId: async ({ id }, packet) => queues.get(id)?.remove(packet.messageId),
    outgoingStream: ({ id }) => Readable.from(queues.get(id)?.all ?? []),
    // aedes publishes at the PUBLISH, and asks later only whether it has had this id
    incomingStorePacket: (client, packet) =>
      storeIncoming(client, { ...packet, payload: Buffer.alloc(0) }),
  } satisfies Memory);
}

/** Messages for one session, oldest first. A full queue drops the oldest: the newest desired state counts. */
class Queue {
  #packets: Queued[] = [];
  #bytes = 0;
  readonly #onEmpty: () => void;

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  get all(): Queued[] {
    return [...this.#packets];
  }

  add(packet: Queued): void {
    // A copy, as each session gives it a message id of its own
    this.#packets.push({ ...packet });
    this.#bytes += sizeOf(packet);
    while (
      this.#packets.length > MOST_QUEUED ||
      (this.#bytes > MOST_QUEUED_BYTES && this.#packets.length > 1)
    ) {
      this.#bytes -= sizeOf(this.#packets.shift());
    }
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
        this.#bytes += sizeOf(packet) - sizeOf(one);
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
    this.#bytes -= sizeOf(removed);
    if (this.#packets.length === 0) this.#onEmpty();
    return removed;
  }
}

function sizeOf(packet: Queued | undefined): number {
  return packet?.payload?.length ?? 0;
}
