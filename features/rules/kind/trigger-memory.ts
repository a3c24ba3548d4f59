/** What triggers remember of what has moved them. */
import type { TriggerFiring, TriggerMemory } from '../model/memory.ts';
import { typeOf } from '../triggers/index.ts';
import type { Move, ReadyTrigger } from '../triggers/trigger.ts';
import type { RuleTurn } from './rule-turn.ts';

/** Triggers of the rule, or of what a thread waits for. */
export interface Watchers {
  triggers: readonly ReadyTrigger[];
  memory: Record<string, TriggerMemory>;
  /** What the names of their timers begin with. */
  prefix: string;
}

/** Applies moves to what triggers remember. @returns what has fired */
export function applyMoves(
  turn: RuleTurn,
  moves: readonly Move[],
  watchers: Watchers,
): TriggerFiring[] {
  const { memory, prefix } = watchers;
  const fired: TriggerFiring[] = [];
  for (const { key, move, hit } of moves) {
    switch (move) {
      case 'fires':
        hasFired(key, watchers);
        fired.push(hit);
        break;
      case 'holds': {
        const trigger = triggerOf(key, watchers);
        const until = turn.moment.now + (trigger?.for ?? 0);
        memory[key] = { ...memory[key], until, hit, ...(trigger && typeOf(trigger).holding) };
        turn.arm(`${prefix}${key}`, until);
        break;
      }
      case 'breaks':
        delete memory[key];
        turn.disarm(`${prefix}${key}`);
        break;
      case 'rearms':
        delete memory[key];
        break;
    }
  }
  return fired;
}

/** A trigger remembers that it has fired. */
export function hasFired(key: string, watchers: Watchers): void {
  const trigger = triggerOf(key, watchers);
  const remembered = trigger && typeOf(trigger).fired?.(trigger);
  if (remembered) watchers.memory[key] = remembered;
  else delete watchers.memory[key];
}

function triggerOf(key: string, { triggers }: Watchers) {
  return triggers[Number(key.split(':')[0])]?.trigger;
}
