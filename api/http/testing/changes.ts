import type { HomeChange } from '../../../engine/index.ts';

/** A committed turn of `h1/l1` whose event weighs so many bytes. */
export function changeOf(revision: number, bytes = 0): HomeChange {
  return {
    type: 'twin',
    home: 'h1',
    twin: 'l1',
    kind: 'lamp',
    revision,
    at: 0,
    event: { type: 'telemetry' },
    eventId: `e${revision}`,
    cause: null,
    correlation: `e${revision}`,
    state: { power: 'off', load: 'normal' },
    reported: { weight: 'x'.repeat(bytes) },
    desired: {},
    effects: [],
  };
}
