import type { Address, Clock, DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import type { Identity } from '../../identity/index.ts';

export interface PullQueueOptions {
  gateways: Pick<Identity['gateways'], 'speakerFor'>;
  clock: Clock;
  /** What waits of these twins may leave the outbox. */
  wake: (twins: readonly Address[]) => void;
}

/** The way of a gateway without MQTT. */
interface DeviceQueue {
  /** What waits for it, by id, the oldest first. They stay in the outbox meanwhile. */
  waiting: Map<string, DeliveryRow>;
  /** What it has said to have. */
  received: Set<string>;
  /** Ends the poll that is open. */
  ring: (() => void) | null;
}

/** Of one answer. */
const MOST = 200;

/**
 * Where gateways that have no MQTT fetch what is for their devices. A delivery waits here, and in the
 * outbox, until its gateway says that it has it: whatever gets lost on the way is fetched again.
 */
export class PullQueue implements Disposable {
  readonly #options: PullQueueOptions;
  #queues = new Map<string, DeviceQueue>();
  #closed = false;

  constructor(options: PullQueueOptions) {
    this.#options = options;
  }

  /** Ends the polls that are open. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { ring } of [...this.#queues.values()]) ring?.();
  }

  /**
   * Takes what is for a gateway that fetches.
   * @param behind what waits behind it for the same device: it is fetched with it, in this order
   * @returns null for anything else
   */
  take(row: DeliveryRow, behind: () => readonly DeliveryRow[]): DeliveryOutcome | null {
    const gateway = this.#options.gateways.speakerFor(row.home, row.twin);
    if (!gateway?.fetches) return null;
    const queue = this.#queueOf(gateway.id);
    if (queue.received.delete(row.id)) {
      queue.waiting.delete(row.id);
      return { status: 'delivered' };
    }
    for (const one of [row, ...behind()]) {
      if (!queue.received.has(one.id)) queue.waiting.set(one.id, one);
    }
    queue.ring?.();
    const error = `it waits for the gateway ${gateway.id} to fetch it`;
    return { status: 'retry', error, isAway: true };
  }

  /**
   * What waits for a gateway; when nothing does, as soon as something comes.
   * @param received ids of what it has from former answers
   * @param waitMs at most; another call of the same gateway ends it, too
   */
  async fetch(
    gateway: string,
    received: readonly string[],
    waitMs: number,
  ): Promise<DeliveryRow[]> {
    const queue = this.#queueOf(gateway);
    this.#keepReceived(queue, received);
    const found = this.#waitingIn(gateway, queue);
    if (found.length > 0 || waitMs === 0 || this.#closed) return found;
    await this.#rung(queue, waitMs);
    return this.#waitingIn(gateway, queue);
  }

  #keepReceived(queue: DeviceQueue, received: readonly string[]): void {
    const known = received.filter((id) => queue.waiting.has(id));
    for (const id of known) queue.received.add(id);
    const rows = known.flatMap((id) => queue.waiting.get(id) ?? []);
    if (rows.length > 0) this.#options.wake(rows.map(({ home, twin }) => ({ home, twin })));
  }

  #waitingIn(gateway: string, queue: DeviceQueue): DeliveryRow[] {
    const now = this.#options.clock.now();
    for (const [id, { home, twin, expiresAt }] of queue.waiting) {
      const isTheirs = this.#options.gateways.speakerFor(home, twin)?.id === gateway;
      if (isTheirs && (expiresAt === null || expiresAt > now)) continue;
      queue.waiting.delete(id);
      queue.received.delete(id);
    }
    const open = [...queue.waiting.values()].filter(({ id }) => !queue.received.has(id));
    return open.slice(0, MOST);
  }

  #rung(queue: DeviceQueue, waitMs: number): Promise<void> {
    queue.ring?.();
    return new Promise((resolve) => {
      const alarm = this.#options.clock.delay(waitMs, () => ring());
      const ring = () => {
        alarm[Symbol.dispose]();
        if (queue.ring === ring) queue.ring = null;
        resolve();
      };
      queue.ring = ring;
    });
  }

  #queueOf(gateway: string): DeviceQueue {
    const known = this.#queues.get(gateway);
    if (known) return known;
    const made: DeviceQueue = { waiting: new Map(), received: new Set(), ring: null };
    this.#queues.set(gateway, made);
    return made;
  }
}
