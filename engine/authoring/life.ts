/** Lives of a twin: what happens to it, made at random and lived on a bench. */
import { z } from 'zod';
import type { AnyKind } from '../kind.ts';
import type { EventData } from '../model/envelope.ts';
import { sendersOf } from '../model/vocabulary.ts';
import type { Dice } from './dice.ts';
import { madeUp, type Schema } from './made-up.ts';
import { TwinBench } from './twin-bench.ts';

/** Spans in ms. */
export type Happening =
  | { type: 'event'; event: EventData }
  | { type: 'advance'; ms: number }
  /** The process is down for so long, and then finds what is due. */
  | { type: 'outage'; ms: number }
  /** The device answers its latest open command. */
  | { type: 'ack'; ok: boolean };
export type Life = readonly Happening[];

/** How an event is made that no schema describes well enough to be made at random, by its type. */
export type EventMakers = Readonly<Record<string, (dice: Dice) => EventData>>;

/** Who stands in which relation to the twin. */
export const RELATIONS = { room: ['living'], members: ['a', 'b'] };

const HOUR_MS = 3_600_000;
const MAX_HAPPENINGS = 40;
/** What a refinement lets in is found by trying. */
const TRIES = 200;

/**
 * A maker of lives. Intents come to their ends by themselves, as they do in the engine.
 * @throws Error for an event that cannot be made at random
 */
export function livesOf(kind: AnyKind, given: EventMakers = {}): (dice: Dice) => Life {
  const makers = Object.entries(kind.events as Record<string, z.ZodObject>)
    // What the machine itself makes comes by its own timers and raises
    .filter(([type]) => !type.startsWith('intent.') && sendersOf(kind, type).length > 0)
    .map(([type, schema]) => given[type] ?? eventMaker(kind, type, schema));
  return (dice) =>
    Array.from({ length: dice.between(1, MAX_HAPPENINGS) }, () => happening(dice, makers));
}

function happening(dice: Dice, makers: readonly ((dice: Dice) => EventData)[]): Happening {
  const lot = dice.between(1, 14);
  if (lot <= 8 && makers.length > 0) return { type: 'event', event: dice.oneOf(makers)(dice) };
  if (lot <= 11) return { type: 'advance', ms: dice.between(0, HOUR_MS) };
  if (lot <= 12) return { type: 'outage', ms: dice.between(0, 12 * HOUR_MS) };
  return { type: 'ack', ok: dice.oneIn(2) };
}

function eventMaker(kind: AnyKind, type: string, schema: z.ZodObject) {
  const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return (dice: Dice): EventData => {
    for (let tries = 0; tries < TRIES; tries++) {
      const data = madeUp(described, dice) as Omit<EventData, 'type'>;
      if (schema.safeParse(data).success) return { ...data, type };
    }
    throw new Error(
      `no event "${type}" of kind "${kind.kind}" can be made at random: its schema lets in little. Say how one is made: proveKind(kind, { events: { '${type}': () => ({ type: '${type}', … }) } })`,
    );
  };
}

/** Lives it through. @param between called before each happening */
export function live(kind: AnyKind, life: Life, between?: (bench: TwinBench) => void): TwinBench {
  const bench = new TwinBench(kind, { room: 'living', relations: RELATIONS });
  for (const happening of life) {
    between?.(bench);
    switch (happening.type) {
      case 'event':
        bench.send(happening.event, { source: 'h1/other' });
        break;
      case 'advance':
        bench.advance(happening.ms);
        break;
      case 'outage':
        bench.sleep(happening.ms);
        bench.wake();
        break;
      case 'ack': {
        const open = bench.twin.state.pending.at(-1);
        if (open) bench.ack(open.name, happening.ok);
        break;
      }
    }
  }
  return bench;
}
