/** What the engine makes of an effect that a machine asks for. */
import type { AnyEffect } from '../model/effect.ts';
import { type EventData, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { clearAlert, raiseAlert } from './alerts.ts';
import { sendCommand } from './commands.ts';
import { arm, disarm, scheduleTimer } from './timers.ts';
import type { TurnBuilder } from './turn-builder.ts';

/** @throws EngineError `machine-failed` for what is no effect; what a command throws */
export function takeEffect(turn: TurnBuilder, effect: AnyEffect): void {
  const { state, before } = turn;
  const id = turn.effectId(turn.effects.length);
  switch (effect.type) {
    case 'command':
      sendCommand(turn, effect);
      return;
    case 'alert':
      if (effect.state === 'raised') raiseAlert(turn, effect.key, id, effect);
      else clearAlert(turn, effect.key);
      break;
    case 'tell': {
      const recipients =
        typeof effect.to === 'string' ? [effect.to] : (before.relations[effect.to.relation] ?? []);
      // Nobody stands in that relation: nothing was told, so nothing is written down
      if (recipients.length === 0) return;
      for (const to of recipients) {
        turn.followUps.push({
          to,
          id: effect.ref === undefined ? id : `${id}~${effect.ref}`,
          event: effect.event as EventData,
          source: keyOf(before),
          sender: effect.authored ? 'rule' : 'twin',
          ...(effect.claim && { claim: effect.claim }),
        });
      }
      break;
    }
    case 'schedule':
      state.timers = arm(state.timers, scheduleTimer(effect, turn.now));
      break;
    case 'unschedule':
      state.timers = disarm(state.timers, effect.id);
      break;
    // What leaves the house is worked out from the journal: deliveries.ts
    case 'retrain':
    case 'notify':
    case 'webhook':
    case 'withheld':
      break;
    default:
      throw new EngineError(
        'machine-failed',
        `"${(effect as { type: string }).type}" is not an effect`,
        { hint: 'Emit one of the effects in engine/model/effect.ts.' },
      );
  }
  turn.effects.push({ ...effect, id });
}
