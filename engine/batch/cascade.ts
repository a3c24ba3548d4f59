/** What follows from one mail, and where that ends: twins must not hold their shard by answering each other. */
import { type Envelope, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Waiting } from './mail.ts';

/** Tells and their tells: beyond this the home talks to itself in circles. */
const MAX_STEPS = 8;
/** Turns that one mail may lead to. */
const MAX_TURNS = 1_000;
/** Turns beyond which what follows from one mail is too much to share a batch with other homes. */
export const NOISY_TURNS = 64;

/** An envelope in a batch, with the way that led to it. */
export interface Item {
  envelope: Envelope;
  waiting: Waiting[] | null;
  /** The item that it follows from; null at the beginning. */
  parent: Item | null;
  depth: number;
  /** Shared by all that follows from one mail. */
  cascade: { turns: number };
}

/** What stands in the mailbox. */
export function beginning(envelope: Envelope, waiting: Waiting[] | null): Item {
  return { envelope, waiting, parent: null, depth: 0, cascade: { turns: 0 } };
}

/** What a turn of the batch has led to. */
export function following(parent: Item, envelope: Envelope): Item {
  return { envelope, waiting: null, parent, depth: parent.depth + 1, cascade: parent.cascade };
}

/**
 * Counts a turn of the cascade.
 * @returns false where the cascade has been cut off already: then it is left out, and has been explained
 * @throws EngineError `cascade-too-deep`, `cascade-too-wide`
 */
export function goesOn(item: Item): boolean {
  const { envelope, depth, cascade } = item;
  if (cascade.turns > MAX_TURNS) return false;
  if (depth > MAX_STEPS) {
    throw new EngineError(
      'cascade-too-deep',
      `${keyOf(envelope)}: "${envelope.event.type}" is ${depth} tells away from what began it: ${wayTo(item)}`,
      { hint: 'Twins of this home answer each other in a circle; break it in one of them.' },
    );
  }
  cascade.turns++;
  if (cascade.turns <= MAX_TURNS) return true;
  throw new EngineError(
    'cascade-too-wide',
    `${keyOf(envelope)}: one event has led to ${MAX_TURNS} turns, the rest is left out: ${wayTo(item)}`,
    { hint: 'Twins of this home answer each other; make fewer of them listen.' },
  );
}

/** How it came to this: `motion "telemetry" → hall-light "observed" → lamp "desired.changed"`. */
function wayTo(item: Item): string {
  const steps: string[] = [];
  for (let at: Item | null = item; at; at = at.parent) {
    steps.unshift(`${at.envelope.twin} "${at.envelope.event.type}"`);
  }
  return steps.join(' → ');
}
