import { defineKind } from '../../engine/kind.ts';
import { events } from './events.ts';
import { machine } from './machine.ts';
import { readsOf } from './wishes.ts';

/** What several twins are to want together, and what they wanted before. */
export const scene = defineKind({
  kind: 'scene',
  version: 1,
  description: 'Gives several twins what they are to want, at once or in steps, and takes it back.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  view: ({ reported, settings }) => ({ reported, desired: {}, settings }),
  reads: ({ settings }) => readsOf(settings.entries),
  passesWishesOn: true,
});
