/** How many may be connected, before and after they have been let in: memory and sockets have an end. */
import { isIPv6 } from 'node:net';

export interface ConnectionLimits {
  /** All connections together. */
  all: number;
  /** Connections from one address; this machine itself has no such limit. */
  perAddress: number;
}

export const DEFAULT_LIMITS: ConnectionLimits = { all: 10_000, perAddress: 100 };
/** The most connections that have not been let in yet: of all addresses, and of one. */
const WAITING = { all: 500, perAddress: 20 };

/** A connection that counts, until it is disposed. */
export interface Slot extends Disposable {
  /** It has been let in. */
  admitted(): void;
}

interface Count {
  all: number;
  waiting: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #total: Count = { all: 0, waiting: 0 };
  readonly #byAddress = new Map<string, Count>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** @returns why it cannot be taken, or its place */
  enter(address: string): Slot | string {
    const from = networkOf(address);
    const own = this.#byAddress.get(from) ?? { all: 0, waiting: 0 };
    const refusal = this.#refusal(own, isLoopback(address));
    if (refusal !== null) return refusal;
    this.#byAddress.set(from, own);
    const counts = [this.#total, own];
    for (const count of counts) {
      count.all++;
      count.waiting++;
    }
    let isWaiting = true;
    let isOpen = true;
    const admitted = () => {
      if (!isWaiting) return;
      isWaiting = false;
      for (const count of counts) count.waiting--;
    };
    return {
      admitted,
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        admitted();
        for (const count of counts) count.all--;
        if (own.all === 0) this.#byAddress.delete(from);
      },
    };
  }

  #refusal(own: Count, isLocal: boolean): string | null {
    const { all, perAddress } = this.#limits;
    if (this.#total.all >= all) return `${all} clients are connected already`;
    if (this.#total.waiting >= WAITING.all) return 'too many clients wait to be let in';
    if (isLocal) return null;
    if (own.all >= perAddress) return `${perAddress} clients of this address are connected already`;
    if (own.waiting >= WAITING.perAddress) {
      return 'too many clients of this address wait to be let in';
    }
    return null;
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

/**
 * The key under which an address is counted. Of an IPv6 address it is the network of a household, which has more
 * addresses than anybody can count.
 */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean));
  const given = (before?.length ?? 0) + (after?.length ?? 0);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - given }, () => '0');
  return [...(before ?? []), ...zeros, ...(after ?? [])].slice(0, 4).join(':');
}
