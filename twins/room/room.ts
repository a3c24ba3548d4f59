import { defineKind, sentBy } from '../../engine/kind.ts';
import { isPaused, targetInForce } from './context.ts';
import { events } from './events.ts';
import { machine } from './machine.ts';
import { toldToRoom } from './membership.ts';

/** A room: what its members measure, what is wanted of them, and when nobody may heat. */
export const room = defineKind({
  kind: 'room',
  version: 1,
  description:
    'Brings the devices of a room together: mean climate, target and weekly programme, windows, smoke.',
  events,
  commands: {},
  measurements: {
    temperature: { unit: '°C' },
    humidity: { unit: '%' },
    targetTemperature: { unit: '°C' },
  },
  machine,
  isDevice: false,
  senders: { 'programme.point': [], ...sentBy(toldToRoom, 'twin') },
  view: (context) => {
    const target = targetInForce(context);
    return {
      reported: {
        ...context.reported,
        ...(target !== null && { targetTemperature: target }),
        window: context.windows.length > 0,
        smoke: context.smoke.length > 0,
        fire: context.fire.length > 0,
        paused: isPaused(context),
      },
      desired: context.desired,
      settings: context.settings,
    };
  },
});
