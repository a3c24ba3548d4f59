/**
 * What one turn of a rule may evaluate and make. Counted, not timed: the same input costs the same on every
 * machine and at every replay. ADR 23 has the figures and how they were measured.
 */
import { type Measured, Measures } from './measures.ts';

export interface Limits {
  /** Evaluated nodes, rounds of comprehensions, members and characters that are looked at. */
  steps: number;
  /** Bytes of values that are made, as JSON. */
  bytes: number;
}

/** The limits of a turn of a rule, all of its runs together. */
export const TURN_LIMITS: Limits = { steps: 50_000, bytes: 256 * 1_024 };
/** The limits of a rule that is asked whether a change concerns it. */
export const OBSERVE_LIMITS: Limits = { steps: 10_000, bytes: 128 * 1_024 };
/** The steps of all rules of a home that are asked about the same change, together. */
export const CHANGE_STEPS = 50_000;

/** Lists and maps within each other, in a value that an expression makes. */
const MAX_LEVELS = 64;
/** Characters of a text that one step looks at. */
const CHARACTERS_A_STEP = 32;

/** The budget is spent. What is under way has to end; nothing may go on as if it were a value. */
export class BudgetExceeded extends Error {
  /** The expression that spent the last of it, where it was one. */
  expression: string | null = null;
  readonly what: string;

  constructor(what: string) {
    super(what);
    this.name = 'BudgetExceeded';
    this.what = what;
  }

  /** `"vars.x + vars.x" makes more than 256 KiB of values in one turn`. */
  get reason(): string {
    return this.expression === null ? this.what : `"${shortened(this.expression)}" ${this.what}`;
  }
}

export class Budget {
  readonly #limits: Limits;
  #steps: number;
  #bytes: number;
  readonly #measures = new Measures((steps) => this.spend(steps));

  constructor(limits: Limits = TURN_LIMITS) {
    this.#limits = limits;
    this.#steps = limits.steps;
    this.#bytes = limits.bytes;
  }

  get spentSteps(): number {
    return this.#limits.steps - this.#steps;
  }
  get madeBytes(): number {
    return this.#limits.bytes - this.#bytes;
  }

  /** @throws BudgetExceeded */
  spend(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) {
      throw new BudgetExceeded(
        `takes more than ${this.#limits.steps.toLocaleString('en')} steps in one turn`,
      );
    }
  }

  /** Looking at a text, or at several at once. @throws BudgetExceeded */
  read(characters: number): void {
    this.spend(1 + Math.ceil(characters / CHARACTERS_A_STEP));
  }

  /** Counts bytes before they are made. @throws BudgetExceeded */
  make(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) {
      throw new BudgetExceeded(
        `makes more than ${Math.round(this.#limits.bytes / 1_024)} KiB of values in one turn`,
      );
    }
  }

  /** A value that has been made: all that it would be as JSON, however much of it is shared. @throws BudgetExceeded */
  made(value: unknown): void {
    this.make(this.measure(value).bytes);
  }

  /** The size of a value; looking at each member for the first time costs a step. @throws BudgetExceeded */
  measure(value: unknown): Measured {
    const measured = this.#measures.of(value);
    if (measured.levels > MAX_LEVELS) {
      throw new BudgetExceeded(`makes a value of more than ${MAX_LEVELS} levels`);
    }
    return measured;
  }

  /** The bytes of what is no value of an expression, such as an effect with values in it. @throws BudgetExceeded */
  bytesOf(what: unknown): number {
    return this.#measures.of(what).bytes;
  }
}

const MAX_SHOWN = 120;

export function shortened(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
