/** The kind `rule`: an automation that is a twin of its home. */
import { enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import {
  anyJson,
  anyJsonObject,
  defineKind,
  type Effect,
  type EventData,
  type EventsOf,
  type Facts,
  homeEvents,
  type JsonObject,
  type KindInput,
  type Observation,
} from '../../../engine/kind.ts';
import type { Origin } from '../blueprints/expand.ts';
import { Budget, BudgetExceeded, CHANGE_STEPS } from '../expressions/budget.ts';
import type { Definition } from '../language/definition.ts';
import { isSame } from '../language/same.ts';
import { attend } from './attention.ts';
import { alarmIdsOf, alarmsOf, clockHit, isTooLate, scheduleOf, waitPrefix } from './clockwork.ts';
import {
  budgetAt,
  freshMemory,
  type Memory,
  overrun,
  type Run,
  type Thread,
  type TriggerFiring,
} from './memory.ts';
import { stimulusOfMessage } from './messages.ts';
import { HOME_TWIN, hearsSun, type Program, programOf } from './program.ts';
import { endAll, type Moment, type Reaction, type RunInput, react } from './runs.ts';
import { scopeOf } from './scope.ts';
import { type Move, movesOf, type TriggerInput } from './triggers.ts';

const data = anyJsonObject();
const events = {
  /** Another definition takes over. Checked before: an author's words never come this far unread. */
  'rule.defined': z.object({
    definition: data,
    source: z.string().nullable(),
    /** The rule beside which it is on trial: what it asks for is withheld. */
    draftOf: z.string().optional(),
    /** Of a rule that is made from a blueprint. */
    origin: z
      .object({
        blueprint: z.string(),
        edition: z.number(),
        inputs: data,
        name: z.string().optional(),
        description: z.string().optional(),
      })
      .nullable()
      .optional(),
  }),
  'desired.changed': z.object({ enabled: z.boolean().nullable().optional() }),
  /** A watched twin has moved a trigger, or ended what a run waited for. */
  observed: z.object({
    twin: z.string(),
    turn: z.string(),
    moves: z.array(data).optional(),
    waits: z.array(data).optional(),
    /** To find out whether the change concerns the rule has cost too much. */
    exceeded: z.string().optional(),
    /** All rules of the home together have: this one was not asked. */
    leftOut: z.boolean().optional(),
    outcomes: z.array(data).optional(),
    /** The home is somewhere else: its sun rises at another time. */
    moved: z.boolean().optional(),
  }),
  /** A stored deadline of the rule. */
  due: z.object({ what: z.string() }),
  /** Somebody runs it by hand. */
  run: z.object({ conditions: z.boolean().default(true), data: data.optional() }),
  'webhook.called': z.object({ hook: z.string(), body: anyJson() }),
  /** The engine runs again; `start` names this time. */
  'engine.started': z.object({ start: z.string() }),
  /** The rules of its home are held back, or go on; this one tells the people of the home. */
  'rules.held': z.object({ reason: z.string().nullable() }),
  /** Somebody else prevails at a twin of which the rule wants something. */
  'desired.overruled': z.object({
    twin: z.string(),
    keys: z.array(z.string()),
    by: z.string(),
    until: z.number().nullable(),
    wish: z.string().optional(),
  }),
  ...homeEvents,
};
export type RuleEvent = EventsOf<typeof events>;

type Reported = {
  /** Runs so far. */
  runs: number;
  /** Runs under way. */
  running: number;
  /** Runs that failed so far. */
  failures: number;
  lastRunAt: number | null;
  lastOutcome: string | null;
  lastError: string | null;
  /** Who prevailed when it last wanted something in vain, and of what. */
  overruled: { twin: string; keys: string[]; by: string; until: number | null; at: number } | null;
};
export type Context = {
  home: string;
  twin: string;
  timezone: string;
  enabled: boolean;
  definition: Definition | null;
  /** The rule beside which it is on trial since a moment (epoch ms); null: it is live. */
  draftOf: { rule: string; since: number } | null;
  /** The author's own text, where there was one. */
  source: string | null;
  /** The blueprint that it is made from; null or absent: it is one of its own. */
  origin?: Origin | null;
  memory: Memory;
  reported: Reported;
};

/** What an event means to a rule: what it does to the memory, and what it asks for. Pure. */
export function take(context: Context, event: RuleEvent): Taken {
  const taken = takeWithin(context, event);
  return taken.context.draftOf ? { ...taken, effects: taken.effects.map(withheld) } : taken;
}

interface Taken {
  context: Context;
  effects: Effect[];
  trace: Reaction['trace'];
  /** Why the turn cost more than it may. */
  exceeded?: string | null;
}

/** Of what a draft asks for, only its own clocks are set. */
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
  return event.type === 'home.changed' || (event.type === 'due' && event.what === SETTLE);
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
      if (event.type === 'due' && event.what === SETTLE) return settle(context, moment);
      if (event.type === 'observed' && event.leftOut) return leftOut(context, event.at);
      const program = programOf(definition);
      const stimulus = stimulusOf(program, context, event, moment);
      const reaction = react(program, context.memory, stimulus, moment);
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

function stimulusOf(
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
      return stimulusOfMessage(program, memory, event, { timezone, budget });
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
      const hit = clockHit(ready, event.at);
      return isTooLate(ready, late) ? { missed: { hit, late } } : { hits: [{ hit }] };
    }
    default:
      return {};
  }
}

// ── clocks ───────────────────────────────────────────────────────────────────────────────────

/** A deadline that comes at once: with the facts that a new definition reads. */
const SETTLE = 'settle';

function settled({ enabled, definition }: Context, at: number): Effect[] {
  if (!enabled || !definition) return [];
  return [{ type: 'schedule', id: SETTLE, at, event: { type: 'due', what: SETTLE } }];
}

/** A rule begins: its clocks are armed, and expressions that are true already do not become true. */
function settle(context: Context, moment: Moment): ReturnType<typeof take> {
  const program = programOf(context.definition as Definition);
  const memory: Memory = { ...context.memory, triggers: { ...context.memory.triggers } };
  const scope = scopeOf(moment);
  for (const ready of program.triggers) {
    if (ready.trigger.type !== 'when' || !ready.expression) continue;
    const evaluated = ready.expression.evaluate(scope);
    if (evaluated.ok && evaluated.value === true)
      memory.triggers[String(ready.index)] = { isTrue: true };
  }
  return { context: { ...context, memory }, effects: armed(context, moment), trace: [] };
}

function armed({ definition, enabled, memory }: Context, moment: Moment): Effect[] {
  if (!definition || !enabled) return [];
  const { triggers, instructions } = programOf(definition);
  const alarms = triggers.flatMap((ready) => alarmsOf(ready, moment));
  for (const run of memory.runs) {
    for (const thread of run.threads) {
      const instruction = instructions[thread.at];
      if (thread.waiting?.type !== 'wait' || instruction?.op !== 'wait') continue;
      const prefix = waitPrefix(run, thread);
      alarms.push(...instruction.triggers.flatMap((ready) => alarmsOf(ready, moment, prefix)));
    }
  }
  return alarms.map(scheduleOf);
}

function disarmed({ definition }: Context): Effect[] {
  if (!definition) return [];
  return programOf(definition)
    .triggers.flatMap((ready) => alarmIdsOf(ready))
    .map((id) => ({ type: 'unschedule', id }));
}

/** The next moment of a clock that has just fired and does not recur by itself. */
function rearmed(program: Program, event: RuleEvent, moment: Moment): Effect[] {
  if (event.type !== 'due') return [];
  const [what, index] = event.what.split(':');
  const ready = what === 'trigger' ? program.triggers[Number(index)] : undefined;
  if (ready?.trigger.type === 'every') {
    // From the deadline, not from now: what is late stays in step, and what was missed is passed over
    const { every } = ready.trigger;
    const late = event.late ?? 0;
    const due = moment.now - late;
    return [
      scheduleOf({
        id: event.what,
        at: due + every * (Math.floor(late / every) + 1),
        lateness: { policy: 'fire' },
      }),
    ];
  }
  if (ready?.trigger.type !== 'sun') return [];
  return alarmsOf(ready, moment).map(scheduleOf);
}

// ── watching ─────────────────────────────────────────────────────────────────────────────────

const TERMINAL = new Set(['confirmed', 'failed', 'expired', 'superseded']);

/** How often a rule says that it was left out, ms. */
const LEFT_OUT_MS = 60_000;

/** Whether a change concerns the rule: what it moves, as the event of its next turn. */
export function onObserved(
  context: Context,
  seen: Observation,
  facts: () => Facts,
): EventData | null {
  const { definition, enabled, memory } = context;
  if (!definition || !enabled) return null;
  const { twin, turn } = seen;
  try {
    const looked = attend(seen, (budget) => look(context, definition, { seen, facts, budget }));
    if (looked) return looked.found;
    const isSaid = seen.receivedAt < (memory.leftOutAt ?? -LEFT_OUT_MS) + LEFT_OUT_MS;
    return isSaid ? null : { type: 'observed', twin, turn, leftOut: true };
  } catch (thrown) {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    return { type: 'observed', twin, turn, exceeded: `triggers: ${thrown.reason}` };
  }
}

function look(
  context: Context,
  definition: Definition,
  around: Pick<TriggerInput, 'seen' | 'facts' | 'budget'>,
): EventData | null {
  const { memory, timezone } = context;
  const { seen } = around;
  const program = programOf(definition);
  const sight: TriggerInput = { ...around, timezone, readsAfter: program.readsAfter };
  const isOverrun = memory.stormSince !== null && budgetAt(memory, seen.receivedAt) <= 0;
  const moves = movesOf(program.triggers, memory.triggers, sight).filter(
    // What could not start anyway is not worth a turn each time
    ({ move }) => !(isOverrun && move === 'fires'),
  );
  const waits = memory.runs.flatMap((run) => waitsOf(program, run, sight));
  const outcomes = memory.runs.flatMap((run) => outcomesOf(run, context, seen));
  const moved = seen.twin === HOME_TWIN && hasMoved(seen) && hearsSun(program);
  if (moves.length + waits.length + outcomes.length === 0 && !moved) return null;
  return {
    type: 'observed',
    twin: seen.twin,
    turn: seen.turn,
    ...(moves.length > 0 && { moves: moves as unknown as JsonObject[] }),
    ...(waits.length > 0 && { waits: waits as unknown as JsonObject[] }),
    ...(outcomes.length > 0 && { outcomes }),
    ...(moved && { moved }),
  };
}

function waitsOf(program: Program, run: Run, sight: TriggerInput) {
  return run.threads.flatMap((thread) => {
    sight.budget.spend(1);
    const instruction = program.instructions[thread.at];
    if (thread.waiting?.type !== 'wait' || instruction?.op !== 'wait') return [];
    const moves = movesOf(instruction.triggers, thread.waiting.memory, sight);
    const until = instruction.until?.evaluate(
      scopeOf({
        facts: sight.facts(),
        hit: run.hit,
        vars: run.vars,
        now: sight.seen.receivedAt,
        timezone: sight.timezone,
        budget: sight.budget,
      }),
    );
    const isTrue = until?.ok === true && until.value === true;
    return moves.length > 0 || isTrue ? [{ run: run.id, thread: thread.id, moves, isTrue }] : [];
  });
}

function outcomesOf(run: Run, { home, twin }: Context, seen: Observation) {
  return run.threads.flatMap((thread: Thread) => {
    const { waiting } = thread;
    if (waiting?.type !== 'command') return [];
    return seen.intents
      .filter(
        ({ cause, status }) => TERMINAL.has(status) && isAskedBy(cause, home, twin, waiting.ref),
      )
      .map(({ status, error }) => ({
        run: run.id,
        thread: thread.id,
        status,
        ...(error && { error }),
      }));
  });
}

function isAskedBy(cause: string, home: string, twin: string, ref: string): boolean {
  return cause.startsWith(`${home}/${twin}@`) && cause.endsWith(`~${ref}`);
}

function hasMoved({ before, after: now }: Observation): boolean {
  return (
    before?.settings.latitude !== now.settings.latitude ||
    before?.settings.longitude !== now.settings.longitude
  );
}

// ── the machine ──────────────────────────────────────────────────────────────────────────────

const machine = setup({
  types: {} as { context: Context; events: RuleEvent; emitted: Effect; input: KindInput },
  guards: {
    isEnabled: ({ context }) => context.enabled && context.definition !== null,
    isDisabled: ({ context }) => !context.enabled || context.definition === null,
    runs: ({ context }) => context.memory.runs.length > 0,
    rests: ({ context }) => context.memory.runs.length === 0,
  },
  actions: {
    take: enqueueActions(({ context, event, enqueue }) => {
      const taken = take(context, event);
      enqueue.assign(taken.context);
      for (const effect of taken.effects) enqueue.emit(effect);
    }),
  },
}).createMachine({
  id: 'rule',
  type: 'parallel',
  context: ({ input }) => ({
    home: input.home,
    twin: input.twin,
    timezone: input.timezone,
    enabled: true,
    definition: null,
    draftOf: null,
    source: null,
    memory: freshMemory(input.at),
    reported: {
      runs: 0,
      running: 0,
      failures: 0,
      lastRunAt: null,
      lastOutcome: null,
      lastError: null,
      overruled: null,
    },
  }),
  on: {
    'rule.defined': { actions: 'take' },
    'desired.changed': { actions: 'take' },
    'home.changed': { actions: 'take' },
    observed: { actions: 'take' },
    due: { actions: 'take' },
    run: { actions: 'take' },
    'webhook.called': { actions: 'take' },
    'engine.started': { actions: 'take' },
    'desired.overruled': { actions: 'take' },
    'rules.held': { actions: 'take' },
  },
  states: {
    switch: {
      initial: 'disabled',
      states: {
        enabled: { always: { guard: 'isDisabled', target: 'disabled' } },
        disabled: { always: { guard: 'isEnabled', target: 'enabled' } },
      },
    },
    activity: {
      initial: 'idle',
      states: {
        idle: { always: { guard: 'runs', target: 'running' } },
        running: { always: { guard: 'rests', target: 'idle' } },
      },
    },
  },
});

export const rule = defineKind({
  kind: 'rule',
  version: 1,
  description:
    'An automation: it watches twins and clocks, and asks other twins for what is to be done.',
  events,
  commands: {},
  measurements: {},
  machine,
  isDevice: false,
  impulses: ['observed', 'due', 'run', 'webhook.called', 'engine.started'],
  senders: {
    'rule.defined': ['engine'],
    observed: ['engine'],
    due: [],
    'webhook.called': ['engine'],
    'engine.started': ['engine'],
    'rules.held': ['engine'],
    run: ['engine'],
  },
  view: ({ enabled, definition, reported }) => ({
    reported,
    desired: { enabled },
    settings: definition
      ? {
          name: definition.name ?? definition.rule,
          mode: definition.mode,
          priority: definition.priority,
        }
      : {},
  }),
  watches: ({ definition }) => (definition ? programOf(definition).watches : []),
  reads: ({ definition }) => (definition ? programOf(definition).reads : []),
  onObserved,
});
