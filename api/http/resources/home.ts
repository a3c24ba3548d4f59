import { z } from 'zod';
import type { HomeRow } from '../../../engine/index.ts';
import { iso, Moment } from '../../../features/contract/moment.ts';

export const Home = z
  .object({
    id: z.string(),
    name: z.string(),
    timezone: z.string().describe('IANA name; schedules of the home’s twins follow its clock.'),
    createdAt: Moment,
  })
  .meta({
    id: 'Home',
    description: 'A house, a van, a station, a kitchen: the unit that twins belong to.',
    examples: [
      {
        id: 'home',
        name: 'Home',
        timezone: 'Europe/Berlin',
        createdAt: '2026-01-05T12:00:00.000Z',
      },
    ],
  });
export type Home = z.infer<typeof Home>;

export function toHome({ id, name, timezone, createdAt }: HomeRow): Home {
  return { id, name, timezone, createdAt: iso(createdAt) };
}
