import { defineKind } from '../../engine/kind.ts';
import { linkSenders } from '../link/link.ts';
import { events } from './events.ts';
import { machine } from './machine.ts';
import { UNITS } from './measurements.ts';

/** Anything that only reports: climate, air, light, power, motion, doors, smoke, water. */
export const sensor = defineKind({
  kind: 'sensor',
  version: 1,
  description:
    'Reports measurements and states, watches their limits, and keeps its room informed.',
  events,
  commands: {},
  measurements: ({ settings }) => {
    const extras = Object.entries(settings.measurements);
    return extras.length === 0
      ? UNITS
      : { ...UNITS, ...Object.fromEntries(extras.map(([name, unit]) => [name, { unit }])) };
  },
  machine,
  senders: { ...linkSenders, 'room.welcome': ['twin'] },
  view: ({ reported, settings }) => ({ reported, desired: {}, settings }),
});
