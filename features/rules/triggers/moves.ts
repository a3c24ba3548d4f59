/** Which triggers a change of a watched twin moves. Pure; asked about each change. */
import type { Json } from '../../../engine/kind.ts';
import type { TriggerMemory } from '../model/memory.ts';
import { typeOf } from './index.ts';
import type { Move, ReadyTrigger, TriggerInput } from './trigger.ts';

/** Why a trigger did nothing although its twin changed; for those who ask. */
export type NearMiss = { trigger: number; reason: string; at: number; twin: string; value?: Json };

/** The moves of all these triggers. @throws BudgetExceeded @param witness hears of each that concerns the twin and does not move */
export function movesOf(
  triggers: readonly ReadyTrigger[],
  memory: Readonly<Record<string, TriggerMemory>>,
  input: TriggerInput,
  witness?: (miss: NearMiss) => void,
): Move[] {
  const { seen, budget } = input;
  const moves: Move[] = [];
  for (const ready of triggers) {
    budget.spend(1);
    const miss = (reason: () => string, value?: Json) => {
      witness?.({
        trigger: ready.index,
        reason: reason(),
        at: seen.receivedAt,
        twin: seen.twin,
        ...(value !== undefined && { value }),
      });
      return null;
    };
    const move = typeOf(ready.trigger).move?.(ready, memory, input, miss);
    if (!move) continue;
    // It is journaled with the rule's turn
    budget.make(budget.bytesOf(move.hit));
    moves.push(move);
  }
  return moves;
}
