import { z } from 'zod';
import type { Bands as ReadBands } from '../../../engine/index.ts';
import { JsonValue } from '../../../features/contract/json-value.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

export const Band = z
  .object({
    value: JsonValue.describe(
      'Of `state`: a state, an object of regions, true for a state that has none in it, null where it was not active. Of `reported`: a boolean, a text of at most 120 characters, null where there was neither.',
    ),
    from: Moment,
    to: Moment.describe('Exclusive.'),
  })
  .meta({ id: 'Band', description: 'A value and the time in which it was in force.' });
export type Band = z.infer<typeof Band>;

export const Bands = z
  .object({
    home: z.string(),
    twin: z.string(),
    path: z.string(),
    from: Moment,
    to: Moment.describe('Up to where the bands go; now, where more was asked for.'),
    bands: z
      .array(Band)
      .describe('Oldest first, cut to the span. Where there is none, the value is not known.'),
    truncated: z
      .boolean()
      .describe('There was more than an answer holds: ask again, `from` where this one ends.'),
  })
  .meta({
    id: 'Bands',
    description: 'One value of a twin over a span of time, where it is not a number.',
    examples: [
      {
        home: 'home',
        twin: 'heater',
        path: 'reported.on',
        from: '2026-01-05T00:00:00.000Z',
        to: '2026-01-06T00:00:00.000Z',
        bands: [
          { value: false, from: '2026-01-05T00:00:00.000Z', to: '2026-01-05T06:30:00.000Z' },
          { value: true, from: '2026-01-05T06:30:00.000Z', to: '2026-01-06T00:00:00.000Z' },
        ],
        truncated: false,
      },
    ],
  });
export type Bands = z.infer<typeof Bands>;

export function toBands({ bands }: Pick<ReadBands, 'bands'>): Band[] {
  return bands.map(({ value, from, to }) => ({ value, from: iso(from), to: iso(to) }));
}
