import type {
  Address,
  Behind,
  Clock,
  DeliveryOutcome,
  DeliveryRow,
  Sink,
} from '../../../engine/index.ts';
import type { GatewayAccounts } from '../../contract/access.ts';

export interface PullQueueOptions {
  /** The destination whose deliveries gateways fetch, too. */
  destination: string;
  gateways: Pick<GatewayAccounts, 'speakerFor'>;
  clock: Clock;
  /** What waits of these twins may leave the outbox. */
  wake: (twins: readonly Address[]) => void;
  /** Whether a delivery that has waited is still to be carried out. */
  isCurrent: (row: DeliveryRow) => Promise<boolean>;
}

/** The way of a gateway without MQTT. */
interface DeviceQueue {
  /** What waits for it, by id, the oldest first. They stay in the outbox meanwhile. */
  waiting: Map<string, DeliveryRow>;
  /** What it has said to have. */
  received: Set<string>;
  /** How often something came. */
  arrivals: number;
  /** The one that is open. */
  poll: Poll | null;
}

/** The most messages in one answer. */
const MAX_MESSAGES = 200;

/**
 * Where gateways that have no MQTT fetch what is for their devices. A delivery waits here, and in the
 * outbox, until its gateway says that it has it: whatever gets lost on the way is fetched again.
 */
export class PullQueue implements Sink, Disposable {
  readonly name: string;
  readonly takes = ['command', 'desired'] as const;
  readonly #options: PullQueueOptions;
  #queues = new Map<string, DeviceQueue>();
  #closed = false;

  constructor(options: PullQueueOptions) {
    this.name = options.destination;
    this.#options = options;
  }

  /** Ends the polls that are open. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { poll } of this.#queues.values()) poll?.end();
  }

  /** What is for a gateway that fetches. */
  carries(row: DeliveryRow): boolean {
    return this.#gatewayOf(row) !== null;
  }

  /** @param behind what waits behind a row for the same device: it is fetched with it, in this order */
  async deliver(
    rows: readonly DeliveryRow[],
    behind: Behind = () => [],
  ): Promise<DeliveryOutcome[]> {
    return rows.map((row) => this.#take(row, behind));
  }

  #gatewayOf({ home, twin }: DeliveryRow): { id: string } | null {
    const gateway = this.#options.gateways.speakerFor(home, twin);
    return gateway?.fetches ? gateway : null;
  }

  #take(row: DeliveryRow, behind: Behind): DeliveryOutcome {
    const gateway = this.#gatewayOf(row);
    // It was one when it was asked: another sink carries what comes next
    if (!gateway) return { status: 'retry', error: 'its gateway does not fetch any more' };
    const queue = this.#queueOf(gateway.id);
    if (queue.received.delete(row.id)) {
      queue.waiting.delete(row.id);
      return { status: 'delivered' };
    }
    const after = behind(row);
    if (isDesired(row) && after.some(isDesired)) {
      // As with a retained message: what is desired later says all of it
      queue.waiting.delete(row.id);
      return { status: 'delivered' };
    }
    for (const one of [row, ...after]) {
      if (!queue.received.has(one.id)) queue.waiting.set(one.id, one);
    }
    queue.arrivals++;
    queue.poll?.ring();
    const error = `it waits for the gateway ${gateway.id} to fetch it`;
    return { status: 'retry', error, isAway: true };
  }

  /**
   * What waits for a gateway; when nothing does, as soon as something comes.
   * @param received ids of what it has from former answers
   * @param waitMs at most; another call of the same gateway that waits ends it, too
   */
  async fetch(
    gateway: string,
    received: readonly string[],
    waitMs: number,
  ): Promise<DeliveryRow[]> {
    const queue = this.#queueOf(gateway);
    this.#keepReceived(queue, received);
    if (waitMs === 0 || this.#closed) return await this.#currentIn(gateway, queue);
    queue.poll?.end();
    const poll = new Poll(this.#options.clock, waitMs);
    queue.poll = poll;
    try {
      for (;;) {
        const { arrivals } = queue;
        const found = await this.#currentIn(gateway, queue);
        if (found.length > 0 || poll.isOver) return found;
        if (queue.arrivals === arrivals) await poll.rung();
      }
    } finally {
      poll.end();
      if (queue.poll === poll) queue.poll = null;
    }
  }

  #keepReceived(queue: DeviceQueue, received: readonly string[]): void {
    const known = received.filter((id) => queue.waiting.has(id));
    for (const id of known) queue.received.add(id);
    const rows = known.flatMap((id) => queue.waiting.get(id) ?? []);
    if (rows.length > 0) this.#options.wake(rows.map(({ home, twin }) => ({ home, twin })));
  }

  /** The oldest that are still to be carried out. What is not, waits no longer. */
  async #currentIn(gateway: string, queue: DeviceQueue): Promise<DeliveryRow[]> {
    const now = this.#options.clock.now();
    const latest = new Map<string, string>();
    for (const row of queue.waiting.values()) if (isDesired(row)) latest.set(keyOf(row), row.id);
    const found: DeliveryRow[] = [];
    for (const row of [...queue.waiting.values()]) {
      if (found.length === MAX_MESSAGES) break;
      const { id, home, twin, expiresAt } = row;
      const isTheirs = this.#options.gateways.speakerFor(home, twin)?.id === gateway;
      const isOpen = isTheirs && (expiresAt === null || expiresAt > now);
      if (!isOpen) queue.received.delete(id);
      else if (queue.received.has(id) || !queue.waiting.has(id)) continue;
      const isLast = !isDesired(row) || latest.get(keyOf(row)) === id;
      if (isOpen && isLast && (await this.#options.isCurrent(row))) found.push(row);
      else queue.waiting.delete(id);
    }
    return found;
  }

  #queueOf(gateway: string): DeviceQueue {
    const known = this.#queues.get(gateway);
    if (known) return known;
    const made: DeviceQueue = { waiting: new Map(), received: new Set(), arrivals: 0, poll: null };
    this.#queues.set(gateway, made);
    return made;
  }
}

/** A gateway that waits for something to come. */
class Poll {
  readonly #alarm: Disposable;
  #wake = () => {};
  /** Its time is over, or another has taken its place. */
  isOver = false;

  constructor(clock: Clock, waitMs: number) {
    this.#alarm = clock.delay(waitMs, () => this.end());
  }

  /** Resolves when something has come, or it is over. */
  rung(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.isOver) resolve();
    });
  }

  ring(): void {
    this.#wake();
  }

  end(): void {
    this.isOver = true;
    this.#alarm[Symbol.dispose]();
    this.#wake();
  }
}

function isDesired({ delivery }: DeliveryRow): boolean {
  return delivery.type === 'desired';
}

function keyOf({ home, twin }: DeliveryRow): string {
  return `${home}/${twin}`;
}
