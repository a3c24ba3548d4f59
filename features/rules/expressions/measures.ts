/** How large values are as JSON. */

/** Lists and maps within each other: what is deeper is not measured. */
const MAX_MEASURED = 128;

export interface Measured {
  /** Never less than what its JSON takes in UTF-8. */
  bytes: number;
  /** 0: no list and no map. */
  levels: number;
}

const TOO_DEEP: Measured = { bytes: Number.POSITIVE_INFINITY, levels: MAX_MEASURED + 1 };
/** The size of a scalar that is no text. */
const SCALAR: Measured = { bytes: 26, levels: 0 };
const SMALL: Measured = { bytes: 8, levels: 0 };
const PLAIN = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;

/** Sizes of values that do not change any more: each list and map is looked at once. */
export class Measures {
  readonly #known = new WeakMap<object, Measured>();
  readonly #spend: (steps: number) => void;

  /** @param spend is told of each member that is looked at, before it is */
  constructor(spend: (steps: number) => void) {
    this.#spend = spend;
  }

  of(value: unknown, above = 0): Measured {
    switch (typeof value) {
      case 'string':
        return { bytes: bytesOf(value, this.#spend), levels: 0 };
      case 'number':
        return Number.isInteger(value) && Math.abs(value) < 1e7 ? SMALL : SCALAR;
      case 'object':
        return value === null ? SMALL : this.#ofObject(value, above);
      case 'boolean':
      case 'undefined':
        return SMALL;
      default:
        return SCALAR;
    }
  }

  #ofObject(value: object, above: number): Measured {
    const known = this.#known.get(value);
    if (known) return known;
    const isList = Array.isArray(value);
    if (!isList && !isMap(value)) {
      return value instanceof Uint8Array ? { bytes: 4 * value.length + 2, levels: 0 } : SCALAR;
    }
    if (above >= MAX_MEASURED) return TOO_DEEP;
    let bytes = 2;
    let levels = 0;
    const add = (member: unknown) => {
      this.#spend(1);
      const inner = this.of(member, above + 1);
      bytes += inner.bytes + 1;
      levels = Math.max(levels, inner.levels);
    };
    if (isList) for (const member of value) add(member);
    else {
      for (const [key, member] of Object.entries(value)) {
        bytes += bytesOf(key, this.#spend) + 1;
        add(member);
      }
    }
    const measured = { bytes, levels: levels + 1 };
    // Of one that is too deep only because of where it was found, nothing is known
    if (measured.levels <= MAX_MEASURED) this.#known.set(value, measured);
    return measured;
  }
}

function bytesOf(text: string, spend: (steps: number) => void): number {
  if (text.length > 32) spend(Math.ceil(text.length / 128));
  return PLAIN.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text));
}

/** A map of CEL, and an object of JSON. */
export function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
