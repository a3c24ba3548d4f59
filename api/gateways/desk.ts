import type { Clock, DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import type { Identity } from '../../identity/index.ts';

export interface DeskOptions {
  gateways: Pick<Identity['gateways'], 'speakerFor'>;
  clock: Clock;
  /** Something may leave the outbox. */
  wake: () => void;
}

/** The way of a gateway without MQTT. */
interface Tray {
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
export class Desk implements Disposable {
  readonly #options: DeskOptions;
  #trays = new Map<string, Tray>();
  #closed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Ends the polls that are open. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { ring } of [...this.#trays.values()]) ring?.();
  }

  /** Takes what is for a gateway that fetches. @returns null for anything else */
  take(row: DeliveryRow): DeliveryOutcome | null {
    const gateway = this.#options.gateways.speakerFor(row.home, row.twin);
    if (!gateway?.fetches) return null;
    const tray = this.#trayOf(gateway.id);
    if (tray.received.delete(row.id)) {
      tray.waiting.delete(row.id);
      return { status: 'delivered' };
    }
    tray.waiting.set(row.id, row);
    tray.ring?.();
    return { status: 'retry', error: `it waits for the gateway ${gateway.id} to fetch it` };
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
    const tray = this.#trayOf(gateway);
    this.#keepReceived(tray, received);
    const found = this.#waitingIn(gateway, tray);
    if (found.length > 0 || waitMs === 0 || this.#closed) return found;
    await this.#rung(tray, waitMs);
    return this.#waitingIn(gateway, tray);
  }

  #keepReceived(tray: Tray, received: readonly string[]): void {
    const known = received.filter((id) => tray.waiting.has(id));
    for (const id of known) tray.received.add(id);
    if (known.length > 0) this.#options.wake();
  }

  #waitingIn(gateway: string, tray: Tray): DeliveryRow[] {
    const now = this.#options.clock.now();
    for (const [id, { home, twin, expiresAt }] of tray.waiting) {
      const isTheirs = this.#options.gateways.speakerFor(home, twin)?.id === gateway;
      if (isTheirs && (expiresAt === null || expiresAt > now)) continue;
      tray.waiting.delete(id);
      tray.received.delete(id);
    }
    const open = [...tray.waiting.values()].filter(({ id }) => !tray.received.has(id));
    return open.slice(0, MOST);
  }

  #rung(tray: Tray, waitMs: number): Promise<void> {
    tray.ring?.();
    return new Promise((resolve) => {
      const alarm = this.#options.clock.delay(waitMs, () => ring());
      const ring = () => {
        alarm[Symbol.dispose]();
        if (tray.ring === ring) tray.ring = null;
        resolve();
      };
      tray.ring = ring;
    });
  }

  #trayOf(gateway: string): Tray {
    const known = this.#trays.get(gateway);
    if (known) return known;
    const made: Tray = { waiting: new Map(), received: new Set(), ring: null };
    this.#trays.set(gateway, made);
    return made;
  }
}
