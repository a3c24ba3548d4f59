import { type Address, keyOf } from '../../engine/index.ts';

/** An event that somebody outside sent under an id of its own. */
export interface SentEvent extends Address {
  id: string;
  /** Its sender was told that it has arrived. */
  acknowledged: boolean;
}

/** A command as its device got it. */
export interface ReceivedCommand extends Address {
  id: string;
  name: string;
  args: unknown;
  expiresAt: number;
  /** Times of receipt, by the clock that the engine has. */
  at: number[];
}

/** A desired state as its device got it. */
export interface ReceivedDesired {
  revision: number;
  /** The broker had kept it; else it was sent just then. */
  retained: boolean;
}

/** A command that left before a jump of the clock arrives within this time. */
const ON_THE_WIRE_MS = 3_000;

/** What the world outside knows: everything that the engine's store is held against. */
export class Model {
  readonly events = new Map<string, SentEvent>();
  readonly commands = new Map<string, ReceivedCommand>();
  /** Per twin, what devices that listen to it got, in order. */
  readonly desired = new Map<string, ReceivedDesired[]>();
  /** Telemetry without ids, per twin: it can only be counted. */
  readonly anonymous = new Map<string, { sent: number; acknowledged: number }>();
  /** Per twin, the stretches in which its device was away on purpose, by the engine's clock. */
  readonly #absences = new Map<string, { from: number; to: number }[]>();
  /** How far the engine's clock goes from ours, and how far it went before it was set. */
  clockOffsetMs = 0;
  #formerOffsetMs = 0;
  #clockSetAt = Number.NEGATIVE_INFINITY;
  #waiting = new Set<() => void>();

  get acknowledged(): number {
    let count = 0;
    for (const event of this.events.values()) if (event.acknowledged) count++;
    return count;
  }

  /** The engine's clock has been set. */
  clockIsSet(offsetMs: number): void {
    this.#formerOffsetMs = this.clockOffsetMs;
    this.#clockSetAt = performance.now();
    this.clockOffsetMs = offsetMs;
  }

  /** By the engine's clock; for what is on the wire while that jumps forward, by the time before. */
  #now(): number {
    const isJumping = performance.now() - this.#clockSetAt < ON_THE_WIRE_MS;
    const offset = isJumping
      ? Math.min(this.clockOffsetMs, this.#formerOffsetMs)
      : this.clockOffsetMs;
    return Date.now() + offset;
  }

  sent({ home, twin }: Address, id: string): void {
    if (!this.events.has(id)) this.events.set(id, { home, twin, id, acknowledged: false });
    this.#look();
  }

  acknowledge(id: string): void {
    const event = this.events.get(id);
    if (event) event.acknowledged = true;
    this.#look();
  }

  leaves(address: Address): void {
    const key = keyOf(address);
    const stretches = this.#absences.get(key) ?? [];
    stretches.push({ from: this.#now(), to: Number.POSITIVE_INFINITY });
    this.#absences.set(key, stretches);
  }

  returns(address: Address): void {
    const last = this.#absences.get(keyOf(address))?.at(-1);
    if (last) last.to = this.#now();
  }

  wasAway(address: Address, at: number): boolean {
    const stretches = this.#absences.get(keyOf(address)) ?? [];
    return stretches.some(({ from, to }) => from <= at && at <= to);
  }

  /** @returns whether it is new: a receiver of at-least-once looks at the id */
  received(command: Omit<ReceivedCommand, 'at'>): boolean {
    const known = this.commands.get(command.id);
    const now = this.#now();
    if (known) known.at.push(now);
    else this.commands.set(command.id, { ...command, at: [now] });
    this.#look();
    return !known;
  }

  receivedDesired(address: Address, desired: ReceivedDesired): void {
    const key = keyOf(address);
    const received = this.desired.get(key);
    if (received) received.push(desired);
    else this.desired.set(key, [desired]);
    this.#look();
  }

  /** Resolves when it is so; looked at whenever something is sent, acknowledged or received. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
