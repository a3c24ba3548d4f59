/** What an event means to a rule: what it does to the memory, and what it asks for. Pure. */
import type { Effect } from '../../../engine/kind.ts';
import { Budget, BudgetExceeded, CHANGE_STEPS } from '../expressions/budget.ts';
import { isSame } from '../language/same.ts';
import { freshMemory, type Memory, overrun, type TriggerFiring } from '../model/memory.ts';
import type { Definition } from '../rule-definition.ts';
import { armed, disarmed, isSettling, rearmed, settle, settled } from './arming.ts';
import type { Context, Taken } from './context.ts';
import { inputOf } from './input.ts';
import { endAll, react } from './interpreter.ts';
import { programOf } from './program.ts';
import type { Moment, Reaction } from './reaction.ts';
import type { RuleEvent } from './rule-events.ts';

export function take(context: Context, event: RuleEvent): Taken {
  const taken = takeWithin(context, event);
  return taken.context.draftOf ? { ...taken, effects: taken.effects.map(withheld) } : taken;
}

/** Of what a draft asks for, only its own timers are set. */
function withheld(effect: Effect): Effect {
  switch (effect.type) {
    case 'tell':
    case 'alert':
    case 'notify':
    case 'retrain':
    case 'webhook':
      return { type: 'withheld', effect };
    default:
      return effect;
  }
}

const STOPPED = 'rule-budget';

/** A turn that costs more than it may ends early; once too often, the rule is disabled. */
function takeWithin(context: Context, event: RuleEvent): Taken {
  let taken: Taken;
  try {
    taken = takeLive(context, event);
  } catch (thrown) {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    taken = undone(context, event, thrown.reason);
  }
  if (!taken.exceeded) return taken;
  const memory = { ...taken.context.memory };
  const isOften = overrun(memory, event.at);
  const counted = { ...taken, context: { ...taken.context, memory } };
  // A rule whose clocks cannot be set would be enabled and never run
  return isOften || setsClocks(event) ? stopped(counted, event, taken.exceeded) : counted;
}

/** Nothing of what a turn was to do has been done. */
function undone(context: Context, { type, at }: RuleEvent, reason: string): Taken {
  const { reported } = context;
  const failures = reported.failures + 1;
  const hit: TriggerFiring = { trigger: null, id: type, type, at };
  return {
    context: {
      ...context,
      reported: { ...reported, failures, lastOutcome: 'failed', lastError: reason },
    },
    effects: [],
    trace: [{ type: 'refused', hit, reason }],
    exceeded: reason,
  };
}

function setsClocks(event: RuleEvent): boolean {
  return event.type === 'home.changed' || isSettling(event);
}

/** The engine disables the rule: its runs end, and its clocks with them. */
function stopped(taken: Taken, event: RuleEvent, reason: string): Taken {
  const { context, effects, trace } = taken;
  const moment = momentOf(context, event);
  const ended =
    context.definition && endAll(programOf(context.definition), context.memory, 'stopped', moment);
  const next = after(context, ended);
  return {
    context: {
      ...next,
      enabled: false,
      memory: { ...next.memory, stopped: reason },
      reported: { ...next.reported, lastOutcome: 'failed', lastError: reason },
    },
    effects: [
      ...effects,
      ...disarmed(context),
      ...(ended?.effects ?? []),
      {
        type: 'alert',
        key: STOPPED,
        severity: 'warning',
        state: 'raised',
        message: `disabled, as it costs too much again and again. ${reason}. Change it, or enable it again.`,
      },
    ],
    trace: [...trace, ...(ended?.trace ?? []), { type: 'disabled', reason }],
  };
}

/** The memory of a rule that a person has enabled, or given another definition. */
function forgiven(memory: Memory): { memory: Memory; effects: Effect[] } {
  const { overruns: _overruns, stopped: was, ...rest } = memory;
  if (was === undefined) return { memory: rest, effects: [] };
  return {
    memory: rest,
    effects: [
      {
        type: 'alert',
        key: STOPPED,
        severity: 'warning',
        state: 'cleared',
        message: 'enabled again',
      },
    ],
  };
}

function momentOf(context: Context, event: RuleEvent): Moment {
  return {
    now: event.at,
    facts: event.facts ?? {},
    timezone: context.timezone,
    budget: new Budget(),
    isTrial: context.draftOf !== null,
  };
}

function takeLive(context: Context, event: RuleEvent): Taken {
  const moment = momentOf(context, event);
  switch (event.type) {
    case 'rule.defined': {
      const origin = context.origin || event.origin ? { origin: event.origin ?? null } : {};
      // A blueprint that has changed without changing this rule does not end its runs
      if (event.origin !== undefined && isSame(event.definition, context.definition as never)) {
        return {
          context: { ...context, source: event.source, ...origin } as Context,
          effects: [],
          trace: [],
        };
      }
      const ended =
        context.definition &&
        endAll(programOf(context.definition), context.memory, 'replaced', moment);
      const definition = event.definition as unknown as Definition;
      const next: Context = {
        ...after(context, ended),
        definition,
        draftOf: event.draftOf === undefined ? null : { rule: event.draftOf, since: event.at },
        source: event.source,
        ...(origin as Pick<Context, 'origin'>),
        // Whom the engine has disabled for what it was, it enables for what it is now
        enabled: context.enabled || context.memory.stopped !== undefined,
        memory: {
          ...freshMemory(event.at),
          nextRun: context.memory.nextRun,
          ...(context.memory.saysHeld && { saysHeld: true }),
        },
      };
      return {
        context: next,
        effects: [
          ...disarmed(context),
          ...(ended?.effects ?? []),
          ...forgiven(context.memory).effects,
          ...settled(next, event.at),
        ],
        trace: ended?.trace ?? [],
      };
    }
    case 'home.changed': {
      const { timezone } = event;
      const moved = { ...context, timezone };
      return { context: moved, effects: armed(moved, { ...moment, timezone }), trace: [] };
    }
    case 'rules.held':
      return heldBack(context, event.reason);
    case 'desired.changed': {
      const enabled = event.enabled ?? true;
      if (enabled === context.enabled) return { context, effects: [], trace: [] };
      if (enabled) {
        const { memory, effects } = forgiven(context.memory);
        const next = { ...context, enabled, memory };
        return { context: next, effects: [...effects, ...settled(next, event.at)], trace: [] };
      }
      const ended =
        context.definition &&
        endAll(programOf(context.definition), context.memory, 'stopped', moment);
      return {
        context: { ...after(context, ended), enabled },
        effects: [...disarmed(context), ...(ended?.effects ?? [])],
        trace: ended?.trace ?? [],
      };
    }
    default: {
      const { definition } = context;
      if (!definition || !context.enabled) return { context, effects: [], trace: [] };
      if (isSettling(event)) return settle(context, moment);
      if (event.type === 'observed' && event.leftOut) return leftOut(context, event.at);
      const program = programOf(definition);
      const input = inputOf(program, context, event, moment);
      const reaction = react(program, context.memory, input, moment);
      const moved = event.type === 'observed' && event.moved ? armed(context, moment) : [];
      const next = after(context, reaction);
      return {
        context: event.type === 'desired.overruled' ? overruled(next, event) : next,
        effects: [...moved, ...rearmed(program, event, moment), ...reaction.effects],
        trace: reaction.trace,
        exceeded: reaction.exceeded,
      };
    }
  }
}

const HELD = 'rules-held-back';

function heldBack(context: Context, reason: string | null): Taken {
  const { saysHeld: _saysHeld, ...memory } = context.memory;
  const isRaised = reason !== null;
  return {
    context: { ...context, memory: { ...memory, ...(isRaised && { saysHeld: true as const }) } },
    effects: [
      {
        type: 'alert',
        key: HELD,
        severity: 'critical',
        state: isRaised ? 'raised' : 'cleared',
        message: isRaised
          ? `no rule of this home runs until the server is started anew: ${reason}`
          : 'the rules of this home run again',
      },
    ],
    trace: [],
  };
}

/** Said, and no more than that: it is not this rule that has cost too much. */
function leftOut(context: Context, at: number): Taken {
  const reason = `a change was not looked at: the rules of the home together cost more than ${CHANGE_STEPS.toLocaleString('en')} steps for it`;
  return {
    context: {
      ...context,
      memory: { ...context.memory, leftOutAt: at },
      reported: { ...context.reported, lastError: reason },
    },
    effects: [],
    trace: [
      { type: 'refused', hit: { trigger: null, id: 'observed', type: 'observed', at }, reason },
    ],
  };
}

function overruled(
  context: Context,
  { twin, keys, by, until, at }: Extract<RuleEvent, { type: 'desired.overruled' }>,
): Context {
  return {
    ...context,
    reported: { ...context.reported, overruled: { twin, keys, by, until, at } },
  };
}

/** The context once a reaction has happened. */
function after(context: Context, reaction: Reaction | null): Context {
  if (!reaction) return context;
  const { memory, started, ended } = reaction;
  const last = ended.at(-1);
  const now = memory.runs.at(-1)?.startedAt;
  return {
    ...context,
    memory,
    reported: {
      ...context.reported,
      runs: context.reported.runs + started,
      running: memory.runs.length,
      failures:
        context.reported.failures + ended.filter(({ outcome }) => outcome === 'failed').length,
      lastRunAt: started > 0 ? Math.max(now ?? 0, memory.budget.at) : context.reported.lastRunAt,
      lastOutcome: last ? last.outcome : context.reported.lastOutcome,
      lastError: last
        ? last.outcome === 'failed'
          ? (last.reason ?? null)
          : null
        : context.reported.lastError,
    },
  };
}
