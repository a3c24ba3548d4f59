import { defineKind } from '../../engine/kind.ts';
import { linkSenders } from '../link/link.ts';
import { commands, events } from './events.ts';
import { machine } from './machine.ts';

/** A switched outlet, plug or contactor, with or without a meter. */
export const relay = defineKind({
  kind: 'relay',
  version: 1,
  description:
    'Switches a load on and off, measures it, and switches it off after a time if told to.',
  events,
  commands,
  measurements: {
    power: { unit: 'W' },
    voltage: { unit: 'V' },
    current: { unit: 'A' },
    energy: { unit: 'kWh' },
  },
  machine,
  senders: linkSenders,
  view: ({ reported, desired, settings }) => ({ reported, desired, settings }),
});
