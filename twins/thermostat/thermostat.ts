import { defineKind } from '../../engine/kind.ts';
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
  view: ({ reported, desired, settings }) => ({ reported, desired, settings }),
});
