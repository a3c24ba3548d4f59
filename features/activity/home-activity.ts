import { z } from 'zod';
import { Moment } from '../contract/moment.ts';
import type { Activity as Counted } from './activity.ts';

const count = z.int().min(0);
const Day = z.iso.date().meta({ examples: ['2026-01-05'] });

const Activity = z
  .object({
    turns: z
      .object({ device: count, person: count, twin: count, engine: count })
      .describe(
        'Events that were taken, by who told them: a device or its bridge, a person or a program over REST, another twin (a room, a rule), the engine (timers, what became of commands).',
      ),
    commands: z.record(z.string(), count).describe('Commands that were asked for, by name.'),
    alerts: z
      .object({ info: count, warning: count, critical: count })
      .describe('How often an alert was to be raised, by severity.'),
    late: count.describe('Events that came after later ones of their type.'),
  })
  .meta({ id: 'Activity', description: 'How much went on.' });

const EXAMPLE: Counted = {
  turns: { device: 8_640, person: 2, twin: 4, engine: 3 },
  commands: { setTargetTemperature: 5 },
  alerts: { info: 0, warning: 1, critical: 0 },
  late: 0,
};

export const HomeActivity = z
  .object({
    home: z.string(),
    twin: z.string().optional().describe('Where one was asked for.'),
    from: Day,
    to: Day.describe('Exclusive.'),
    since: Moment.nullable().describe(
      'When the first turn was received that is counted: what the journal did not hold any more when this was built is missing. Null: nothing is.',
    ),
    upTo: Moment.nullable().describe(
      'When the last turn was received that is counted, of all homes: up to ten seconds ago.',
    ),
    total: Activity,
    days: z
      .array(Activity.extend({ day: Day }))
      .describe('UTC days on which something went on, the first one first.'),
    twins: z
      .array(Activity.extend({ twin: z.string(), kind: z.string(), name: z.string() }))
      .optional()
      .describe('The twins with the most turns, that with most first; where none was asked for.'),
  })
  .meta({
    id: 'HomeActivity',
    description: 'How much went on in a home, or at a twin, by days.',
    examples: [
      {
        home: 'home',
        from: '2026-01-05',
        to: '2026-01-06',
        since: '2025-12-01T08:00:00.000Z',
        upTo: '2026-01-05T12:00:00.000Z',
        total: EXAMPLE,
        days: [{ day: '2026-01-05', ...EXAMPLE }],
        twins: [{ twin: 'heater', kind: 'thermostat', name: 'Heater', ...EXAMPLE }],
      },
    ],
  });
