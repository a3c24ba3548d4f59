import { defineKind } from '../../engine/kind.ts';
import { inForce } from './context.ts';
import { events } from './events.ts';
import { machine } from './machine.ts';

/** A plan that other twins and rules go by: it says whether it is time, and what for. */
export const schedule = defineKind({
  kind: 'schedule',
  version: 1,
  description:
    'Is active at weekly times and on exceptional days by its own plan, in the time of the home.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  senders: { 'plan.point': [] },
  view: (context) => ({
    reported: inForce(context),
    desired: context.desired,
    settings: context.settings,
  }),
});
