import { defineKind, sentBy } from '../../engine/kind.ts';
import { linkSenders } from '../link/link.ts';
import { toldToMembers } from '../room/membership.ts';
import { commands, events } from './events.ts';
import { machine } from './machine.ts';

/** A radiator thermostat, or a heater that the engine switches by its temperature. */
export const thermostat = defineKind({
  kind: 'thermostat',
  version: 1,
  description:
    'Holds a target temperature: at the radiator by itself, or switched by the engine with hysteresis.',
  events,
  commands,
  measurements: {
    temperature: { unit: '°C' },
    humidity: { unit: '%' },
    battery: { unit: '%' },
    valve: { unit: '%' },
    targetTemperature: { unit: '°C' },
  },
  machine,
  senders: { ...linkSenders, ...sentBy(toldToMembers, 'twin') },
  view: ({ reported, desired, settings }) => ({ reported, desired, settings }),
});
