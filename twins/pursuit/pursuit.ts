/**
 * Pursuit of a wish: a value that is wanted of a device is sent as a command until the device
 * reports it. One command is open at a time; one that got lost is sent again with the next report,
 * never in a loop; one that the device refused waits for a new wish or a new link.
 */
import { intentEvents } from '../../engine/kind.ts';

export const pursuitEvents = {
  'intent.confirmed': intentEvents['intent.confirmed'],
  'intent.failed': intentEvents['intent.failed'],
  'intent.expired': intentEvents['intent.expired'],
};

/** The machine's own names for what a pursuit asks and does. */
export interface PursuitWords<G extends string, A extends string> {
  /** Guard: something else is wanted than what is pursued. */
  wishHasChanged: G;
  /** Guard: nothing is wanted of the device. */
  nothingIsWanted: G;
  /** Guard: the device reports what is pursued. */
  deviceComplies: G;
  /** Guard: an intent's outcome is about this pursuit's command. */
  isAboutIt: G;
  /** Guard, before the report is taken in: someone changed the value at the device itself. */
  changedByHand: G;
  /** Guard, before the report is taken in: it shows something else than what is pursued. */
  showsOther: G;
  /** Guard: the link is not lost. A report that restores it leads to `link.restored` by itself. */
  isInTouch: G;
  /** Action: takes a person's `desired.changed`. */
  want: A;
  /** Action: makes what is wanted what is pursued. */
  pursue: A;
  /** Action: sends the command. */
  send: A;
  /** Action: takes what was set by hand as the wish. */
  adopt: A;
}

export function pursuit<const G extends string, const A extends string>(words: PursuitWords<G, A>) {
  const byHand = { guard: words.changedByHand, target: '.deciding', actions: words.adopt } as const;
  const byHandHere = { ...byHand, target: 'deciding' } as const;
  return {
    initial: 'unset',
    always: { guard: words.wishHasChanged, target: '.deciding' },
    on: {
      'desired.changed': { actions: words.want },
      'link.restored': { target: '.deciding' },
      telemetry: byHand,
    },
    states: {
      unset: {},
      deciding: {
        entry: words.pursue,
        always: [
          { guard: words.nothingIsWanted, target: 'unset' },
          { guard: words.deviceComplies, target: 'settled' },
          { target: 'sent' },
        ],
      },
      // A command is on its way or got lost on it: what the device reported before proves nothing
      insisting: {
        entry: words.pursue,
        always: [{ guard: words.nothingIsWanted, target: 'unset' }, { target: 'sent' }],
      },
      sent: {
        entry: words.send,
        always: { guard: words.wishHasChanged, target: 'insisting' },
        on: {
          // What the device reports while our command is on its way is not a wish of anybody
          telemetry: {},
          'intent.confirmed': { guard: words.isAboutIt, target: 'deciding' },
          'intent.expired': { guard: words.isAboutIt, target: 'lost' },
          'intent.failed': { guard: words.isAboutIt, target: 'refused' },
        },
      },
      settled: {
        // Such as a device that comes back from a new battery with its factory setting
        on: { telemetry: [byHandHere, { guard: words.showsOther, target: 'deciding' }] },
      },
      lost: {
        always: { guard: words.wishHasChanged, target: 'insisting' },
        on: {
          telemetry: [byHandHere, { guard: words.isInTouch, target: 'deciding' }],
          'desired.changed': { target: 'deciding', actions: words.want },
        },
      },
      refused: {
        on: { 'desired.changed': { target: 'deciding', actions: words.want } },
      },
    },
  } as const;
}
