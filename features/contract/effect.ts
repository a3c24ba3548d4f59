import { z } from 'zod';
import type { JournalRow } from '../../engine/index.ts';
import { JsonValue } from './json-value.ts';

export const Effect = z
  .object({
    id: z.string().describe('`home/twin@revision#n`; receivers deduplicate on it.'),
    type: z.enum([
      ...[
        'command',
        'alert',
        'tell',
        'schedule',
        'unschedule',
        'retrain',
        'notify',
        'webhook',
        'withheld',
      ],
    ] as const),
  })
  .catchall(JsonValue)
  .meta({
    id: 'Effect',
    description: 'What a turn asked for; the other fields depend on its type.',
    examples: [
      { id: 'home/pump@43#0', type: 'command', name: 'switch', args: { on: true }, ttl: 60000 },
    ],
  });
export type Effect = z.infer<typeof Effect>;

export const EventValue = z
  .object({ type: z.string() })
  .catchall(JsonValue)
  .meta({ id: 'Event', description: 'An event: its type and the fields that the type carries.' });
export type EventValue = z.infer<typeof EventValue>;

export function toEffect(effect: JournalRow['effects'][number]): Effect {
  return effect as Effect;
}
