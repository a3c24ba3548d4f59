/** Gives the machine of a twin an event, and takes what it asks for. */
import { type Step, step } from '../kernel/kernel.ts';
import type { EventData } from '../model/envelope.ts';
import { takeEffect } from './effects.ts';
import { priorityOf } from './leases.ts';
import { arm, delayTimer, disarm } from './timers.ts';
import type { TurnBuilder } from './turn-builder.ts';

/** @param at when it happened, epoch ms @throws what the machine throws; EngineError `machine-failed` for what it may not ask for */
export function feed(turn: TurnBuilder, event: EventData, at: number): void {
  const { kindOf } = turn.before;
  const { facts } = turn.envelope;
  const told: EventData & { at: number } = { ...event, at };
  if (kindOf.passesWishesOn) told.senderPriority = priorityOf(turn.envelope);
  if (facts) told.facts = facts;
  takeStep(turn, step(kindOf, turn.snapshot, told));
}

/** Takes a step's outcome, in the order in which the machine asked. */
export function takeStep(turn: TurnBuilder, { snapshot, actions }: Step): void {
  const { state, now, before } = turn;
  turn.snapshot = snapshot;
  for (const action of actions) {
    switch (action.type) {
      case 'emit':
        takeEffect(turn, action.effect);
        break;
      case 'arm': {
        const { id, event, delayMs } = action;
        const timer = delayTimer(before.kindOf, id, event, now + delayMs);
        state.timers = arm(state.timers, timer);
        break;
      }
      case 'cancel':
        state.timers = disarm(state.timers, action.id);
        break;
    }
  }
}
