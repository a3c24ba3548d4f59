import { defineKind } from '../../engine/kind.ts';
import { events } from './events.ts';
import { machine } from './machine.ts';

/** A home as a whole: the mode that it is in, and where it is. Rules ask the twin with the id `home`. */
export const home = defineKind({
  kind: 'home',
  version: 1,
  description:
    'Knows the mode of a home (home, away, night, …), for good or for a time, and its place.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  senders: { message: ['message'] },
  view: ({ reported, desired, settings }) => ({ reported, desired, settings }),
});
