import { z } from 'zod';
import type { Json, TwinReading, TwinRow } from '../../engine/index.ts';
import { AnyObject, JsonValue } from './json-value.ts';
import { iso, Moment } from './moment.ts';
import { Timer, toTimer } from './timer.ts';

export const StateValue = JsonValue.describe(
  'The XState value: a name, or an object of regions and their states.',
).meta({ examples: [{ power: 'on', load: 'normal' }] });

const PendingCommand = z
  .object({
    id: z.string().describe('The intent’s id.'),
    name: z.string(),
    args: AnyObject,
    status: z.enum(['pending', 'acked']),
    createdAt: Moment,
    expiresAt: Moment,
  })
  .meta({ id: 'PendingCommand', description: 'A command that has not come to its end.' });

const Lease = z
  .object({
    holder: z.string().describe('`home/twin` of a rule, or who asked.'),
    priority: z.int(),
    until: Moment,
    value: JsonValue.describe('What it wants; null: nothing.'),
  })
  .meta({ id: 'Lease', description: 'A claim on a key of what is desired.' });

export const Twin = z
  .object({
    home: z.string(),
    id: z.string(),
    kind: z.string(),
    name: z.string(),
    room: z.string().nullable().describe('The id of the room that it stands in.'),
    revision: z.int().describe('Counts the twin’s turns; also its ETag.'),
    state: StateValue,
    reported: AnyObject.describe('What the device says.'),
    desired: AnyObject.describe('What people and rules want.'),
    settings: AnyObject.describe('How this twin is configured.'),
    timers: z.array(Timer),
    pending: z.array(PendingCommand),
    leases: z
      .record(z.string(), z.array(Lease))
      .describe(
        'By key of `desired`, who holds it, the strongest first. Others of the same or a lower priority are overruled until then.',
      ),
    lastEventAt: Moment.nullable().describe('When something outside last said anything.'),
    updatedAt: Moment,
  })
  .meta({
    id: 'Twin',
    description: 'The digital side of one device or room.',
    examples: [
      {
        home: 'home',
        id: 'pump',
        kind: 'relay',
        name: 'Pump',
        room: null,
        revision: 42,
        state: { power: 'on', load: 'normal' },
        reported: { on: true, power: 310 },
        desired: { on: true },
        settings: { overloadWatts: 3600 },
        timers: [],
        pending: [],
        leases: {
          on: [
            {
              holder: 'home/frost-guard',
              priority: 80,
              until: '2026-01-05T13:00:00.000Z',
              value: true,
            },
          ],
        },
        lastEventAt: '2026-01-05T12:00:00.000Z',
        updatedAt: '2026-01-05T12:00:00.120Z',
      },
    ],
  });
export type Twin = z.infer<typeof Twin>;

export function toTwin({ row, view }: TwinReading): Twin {
  const { home, twin: id, kind, name, room, revision, state, lastEventAt, updatedAt } = row;
  return {
    home,
    id,
    kind,
    name,
    room,
    revision,
    state: state.value as Json,
    ...view,
    timers: state.timers.map(toTimer),
    pending: state.pending.map(toPending),
    leases: toLeases(state.leases ?? {}),
    lastEventAt: lastEventAt === null ? null : iso(lastEventAt),
    updatedAt: iso(updatedAt),
  };
}

function toLeases(leases: NonNullable<TwinRow['state']['leases']>): Twin['leases'] {
  return Object.fromEntries(
    Object.entries(leases).flatMap(([key, { leases: held }]) => {
      const shown = held.filter(({ final }) => !final);
      if (shown.length === 0) return [];
      return [[key, shown.map(({ until, ...lease }) => ({ ...lease, until: iso(until) }))]];
    }),
  );
}

function toPending(pending: TwinRow['state']['pending'][number]): Twin['pending'][number] {
  const { id, name, args, status, createdAt, expiresAt } = pending;
  return { id, name, args, status, createdAt: iso(createdAt), expiresAt: iso(expiresAt) };
}
