/** What an event brings to the runs and the triggers of a rule. */
import type { Run, Thread, TriggerFiring } from '../model/memory.ts';
import { clockFiring, isTooLate } from '../triggers/alarms.ts';
import { firingByMessage } from '../triggers/messages.ts';
import type { Message, Move } from '../triggers/trigger.ts';
import type { Context } from './context.ts';
import type { Program } from './program.ts';
import type { Moment, RunInput } from './reaction.ts';
import type { RuleEvent } from './rule-events.ts';

/** @throws BudgetExceeded */
export function inputOf(
  program: Program,
  { memory, timezone }: Context,
  event: RuleEvent,
  { budget }: Moment,
): RunInput {
  switch (event.type) {
    case 'observed':
      if (event.exceeded !== undefined) return { exceeded: event.exceeded };
      return {
        moves: (event.moves ?? []) as unknown as Move[],
        waits: (event.waits ?? []) as unknown as NonNullable<RunInput['waits']>,
        outcomes: (event.outcomes ?? []) as unknown as NonNullable<RunInput['outcomes']>,
      };
    case 'run': {
      const hit: TriggerFiring = { trigger: null, id: 'manual', type: 'manual', at: event.at };
      return {
        hits: [
          {
            hit: event.data ? { ...hit, body: event.data } : hit,
            unconditionally: !event.conditions,
          },
        ],
      };
    }
    case 'webhook.called':
    case 'engine.started':
      return inputOfMessage(program, memory.runs, event, { timezone, budget });
    case 'desired.overruled': {
      const { twin, keys, by, until, wish } = event;
      return { overruled: { twin, keys, by, until, ...(wish !== undefined && { wish }) } };
    }
    case 'due': {
      const [what, ...rest] = event.what.split(':');
      if (what === 'hold') return { due: { hold: rest.join(':') } };
      const late = event.late ?? 0;
      if (what === 'run') {
        const [run, thread, ...key] = rest;
        const hold = key.length > 0 ? { hold: key.join(':') } : {};
        return { due: { run: Number(run), thread: Number(thread), late, ...hold } };
      }
      const ready = program.triggers[Number(rest[0])];
      if (!ready) return {};
      const hit = clockFiring(ready, event.at);
      return isTooLate(ready, late) ? { missed: { hit, late } } : { hits: [{ hit }] };
    }
    default:
      return {};
  }
}

/** A message sets off runs, and ends what runs wait for. @throws BudgetExceeded */
function inputOfMessage(
  program: Program,
  runs: readonly Run[],
  message: Message,
  around: Pick<Moment, 'timezone' | 'budget'>,
): RunInput {
  const waits = runs.flatMap((run) =>
    run.threads.flatMap((thread: Thread) => {
      around.budget.spend(1);
      const awaits = program.instructions[thread.at]?.awaits;
      if (thread.waiting?.type !== 'wait' || !awaits) return [];
      const moves = awaits.triggers.flatMap((ready): Move[] => {
        const hit = firingByMessage(ready, message, around);
        return hit ? [{ key: String(ready.index), move: 'fires', hit }] : [];
      });
      return moves.length > 0 ? [{ run: run.id, thread: thread.id, moves, isTrue: false }] : [];
    }),
  );
  const hits = program.triggers.flatMap((ready) => {
    const hit = firingByMessage(ready, message, around);
    return hit ? [{ hit }] : [];
  });
  return { waits, hits };
}
