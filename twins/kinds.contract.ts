/** What every kind promises, whatever its behaviour is: a durable twin can be made of it. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Envelope, EventData } from '../engine/envelope.ts';
import type { AnyKind } from '../engine/kind.ts';
import { type LiveTwin, revive } from '../engine/live-twin.ts';
import type { JournalRow, LoadedTwin } from '../engine/rows.ts';
import { TwinBench } from '../engine/testing/twin-bench.ts';
import { birth, turn } from '../engine/turn.ts';

type Happening =
  | { type: 'event'; event: EventData }
  | { type: 'advance'; ms: number }
  | { type: 'outage'; ms: number }
  | { type: 'ack'; ok: boolean };

/** Small enough to stay in one hot row of a table with a million of them. */
const CONTEXT_BYTES = 1_536;

/** @param given by event type, events that no schema describes well enough to be made at random */
export function describeKind(
  kind: AnyKind,
  given: Readonly<Record<string, fc.Arbitrary<EventData>>> = {},
): void {
  describe(`kind ${kind.kind}`, () => {
    const lives = fc.array(happeningOf(kind, given), { minLength: 1, maxLength: 40 });

    it('is pure: the same events lead to the same states and effects, whatever the clock says', () => {
      fc.assert(
        fc.property(lives, (life) => {
          const first = inAnotherWorld('2026-01-05T12:00:00Z', 0.1, () => live(kind, life));
          const second = inAnotherWorld('2031-07-07T01:23:45Z', 0.9, () => live(kind, life));
          expect(second.effects).toEqual(first.effects);
          expect(second.twin.state).toEqual(first.twin.state);
        }),
      );
    });

    it('survives JSON at every step: a twin revived each time lives the same life', () => {
      fc.assert(
        fc.property(lives, (life) => {
          const awake = live(kind, life);
          const revived = live(kind, life, (bench) => {
            bench.twin = throughJson(kind, bench.twin);
          });
          expect(revived.effects).toEqual(awake.effects);
          expect(revived.twin.state).toEqual(awake.twin.state);
          expect(revived.twin.view).toEqual(awake.twin.view);
        }),
      );
    });

    it('replays: folding its journal gives its state', () => {
      fc.assert(
        fc.property(lives, (life) => {
          const bench = live(kind, life);
          const replayed = bench.journal.reduce<LiveTwin | null>(
            (twin, row) => fold(kind, twin, row),
            null,
          );
          expect(replayed?.state).toEqual(bench.twin.state);
        }),
      );
    });

    it('shows only JSON', () => {
      fc.assert(
        fc.property(lives, (life) => {
          const { view } = live(kind, life).twin;
          expect(JSON.parse(JSON.stringify(view))).toStrictEqual(view);
        }),
      );
    });

    it('is born small', () => {
      const { context } = new TwinBench(kind).twin.state;
      expect(JSON.stringify(context).length).toBeLessThan(CONTEXT_BYTES);
    });

    it('names every guard and action, so that its diagram can be read', () => {
      const nodes = [kind.machine.root];
      for (const node of nodes) {
        nodes.push(...Object.values(node.states as typeof nodes));
        const transitions = [...node.transitions.values(), ...(node.always ?? [])].flat();
        for (const action of [...node.entry, ...node.exit]) expect(nameOf(action)).toBeTruthy();
        for (const transition of transitions) {
          if (transition.guard !== undefined) {
            expect(Object.keys(kind.machine.implementations.guards)).toContain(
              nameOf(transition.guard),
            );
          }
          for (const action of transition.actions) expect(nameOf(action)).toBeTruthy();
        }
      }
    });
  });
}

function live(kind: AnyKind, life: readonly Happening[], between?: (bench: TwinBench) => void) {
  const bench = new TwinBench(kind, {
    room: 'living',
    relations: { room: ['living'], members: ['a', 'b'] },
  });
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

/** What would show a machine that looks at the clock or the dice. */
function inAnotherWorld<T>(date: string, random: number, run: () => T): T {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(date) });
  const dice = vi.spyOn(Math, 'random').mockReturnValue(random);
  try {
    return run();
  } finally {
    dice.mockRestore();
    vi.useRealTimers();
  }
}

function throughJson(kind: AnyKind, twin: LiveTwin): LiveTwin {
  const { kindOf: _kindOf, snapshot: _snapshot, view: _view, ...row } = twin;
  return revive(kind, JSON.parse(JSON.stringify(row)) as LoadedTwin);
}

function fold(kind: AnyKind, twin: LiveTwin | null, row: JournalRow): LiveTwin {
  const envelope: Envelope = {
    home: row.home,
    twin: row.twin,
    id: row.eventId,
    dedupe: false,
    event: row.event as EventData,
    at: row.at,
    source: row.source,
    cause: row.cause,
    correlation: row.correlation,
    principal: row.principal,
    ifUnknown: 'reject',
  };
  if (twin === null) {
    const made = { name: row.twin, room: 'living', timezone: String(row.event.timezone) };
    const born = birth(kind, envelope, made, row.receivedAt, {}).twin;
    return { ...born, relations: { room: ['living'], members: ['a', 'b'] } };
  }
  const result = turn(twin, envelope, row.receivedAt, {});
  if (!('twin' in result)) throw new Error(`${row.event.type} was a turn once`);
  return result.twin;
}

function nameOf(use: unknown): string | undefined {
  if (typeof use === 'string') return use;
  const { type } = use as { type?: unknown };
  return typeof type === 'string' && !type.startsWith('xstate.assign') ? type : undefined;
}

// ── events out of schemas ────────────────────────────────────────────────────────────────────

function happeningOf(
  kind: AnyKind,
  given: Readonly<Record<string, fc.Arbitrary<EventData>>>,
): fc.Arbitrary<Happening> {
  const events = Object.entries(kind.events as Record<string, z.ZodObject>)
    .filter(([type]) => !type.startsWith('intent.'))
    .map(([type, schema]) => {
      const made = given[type];
      if (made) return made;
      const fields = arbitraryOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
      return fields
        .filter((data) => schema.safeParse(data).success)
        .map((data) => ({ type, ...(data as object) }) as EventData);
    });
  const event = fc.oneof(...events);
  return fc.oneof(
    { weight: 8, arbitrary: event.map((e): Happening => ({ type: 'event', event: e })) },
    {
      weight: 3,
      arbitrary: fc
        .integer({ min: 0, max: 3_600_000 })
        .map((ms): Happening => ({ type: 'advance', ms })),
    },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 0, max: 12 * 3_600_000 })
        .map((ms): Happening => ({ type: 'outage', ms })),
    },
    { weight: 2, arbitrary: fc.boolean().map((ok): Happening => ({ type: 'ack', ok })) },
  );
}

interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  pattern?: string;
  format?: string;
}

/** Members that a room's relations name, so that what they say concerns someone. */
const WORDS = fc.constantFrom('a', 'b', 'thermostat');

function arbitraryOf(given: unknown): fc.Arbitrary<unknown> {
  const schema = given as Schema;
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryOf));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  switch (schema.type) {
    case 'object': {
      if (schema.properties) return record(schema.properties, schema.required ?? []);
      const names = schema.propertyNames?.pattern
        ? fc.constantFrom('temperature', 'humidity', 'flow')
        : WORDS;
      return fc.dictionary(names, arbitraryOf(schema.additionalProperties), { maxKeys: 3 });
    }
    case 'array':
      return fc.uniqueArray(arbitraryOf(schema.items), {
        maxLength: 4,
        selector: (item) => JSON.stringify((item as { time?: string } | null)?.time ?? item),
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'integer':
    case 'number': {
      const {
        minimum = -100,
        maximum = 100,
        multipleOf = schema.type === 'integer' ? 1 : 0.1,
      } = schema;
      return fc
        .integer({ min: Math.ceil(minimum / multipleOf), max: Math.floor(maximum / multipleOf) })
        .map((steps) => steps * multipleOf);
    }
    case 'string':
      if (schema.format === 'date') return fc.constantFrom('2026-01-05', '2026-01-06');
      if (schema.pattern?.includes(':')) return fc.constantFrom('02:30', '06:00', '22:15');
      return WORDS;
    default:
      return fc.constant(0);
  }
}

function record(properties: Record<string, Schema>, required: string[]): fc.Arbitrary<unknown> {
  // A timezone is a text like any other to the schema
  const fields = Object.entries(properties).map(([name, field]) => [
    name,
    name === 'timezone'
      ? fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu')
      : arbitraryOf(field),
  ]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: required } as object);
}
