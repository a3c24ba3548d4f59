/** The kind `rule`: an automation that is a twin of its home. */
import { enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import {
  defineKind,
  type Effect,
  type EventData,
  type EventsOf,
  type Facts,
  homeEvents,
  type JsonObject,
  type KindInput,
  type Observation,
} from '../../engine/kind.ts';
import type { Origin } from '../blueprints/expand.ts';
import type { Definition } from '../language/definition.ts';
import { isSame } from '../language/same.ts';
import { alarmIdsOf, alarmsOf, clockHit, isTooLate, scheduleOf, waitPrefix } from './clockwork.ts';
import { budgetAt, freshMemory, type Hit, type Memory, type Run, type Thread } from './memory.ts';
import { stimulusOfMessage } from './messages.ts';
import { HOME_TWIN, hearsSun, type Program, programOf } from './program.ts';
import { endAll, type Moment, type Reaction, react, type Stimulus } from './runs.ts';
import { scopeOf } from './scope.ts';
import { type Move, movesOf, type Sight } from './triggers.ts';

const data = z.record(z.string(), z.json());
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
    outcomes: z.array(data).optional(),
    /** The home is somewhere else: its sun rises at another time. */
    moved: z.boolean().optional(),
  }),
  /** A stored deadline of the rule. */
  due: z.object({ what: z.string() }),
  /** Somebody runs it by hand. */
  run: z.object({ conditions: z.boolean().default(true), data: data.optional() }),
  'webhook.called': z.object({ hook: z.string(), body: z.json() }),
  /** The engine runs again; `start` names this time. */
  'engine.started': z.object({ start: z.string() }),
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
  const taken = takeLive(context, event);
  return taken.context.draftOf ? { ...taken, effects: taken.effects.map(withheld) } : taken;
}

interface Taken {
  context: Context;
  effects: Effect[];
  trace: Reaction['trace'];
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

function takeLive(context: Context, event: RuleEvent): Taken {
  const moment: Moment = {
    now: event.at,
    facts: event.facts ?? {},
    timezone: context.timezone,
    isTrial: context.draftOf !== null,
  };
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
        memory: { ...freshMemory(event.at), nextRun: context.memory.nextRun },
      };
      return {
        context: next,
        effects: [...disarmed(context), ...(ended?.effects ?? []), ...settled(next, event.at)],
        trace: ended?.trace ?? [],
      };
    }
    case 'home.changed': {
      const { timezone } = event;
      const moved = { ...context, timezone };
      return { context: moved, effects: armed(moved, { ...moment, timezone }), trace: [] };
    }
    case 'desired.changed': {
      const enabled = event.enabled ?? true;
      if (enabled === context.enabled) return { context, effects: [], trace: [] };
      if (enabled) {
        const next = { ...context, enabled };
        return { context: next, effects: settled(next, event.at), trace: [] };
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
      const program = programOf(definition);
      const reaction = react(program, context.memory, stimulusOf(program, context, event), moment);
      const moved = event.type === 'observed' && event.moved ? armed(context, moment) : [];
      const next = after(context, reaction);
      return {
        context: event.type === 'desired.overruled' ? overruled(next, event) : next,
        effects: [...moved, ...rearmed(program, event, moment), ...reaction.effects],
        trace: reaction.trace,
      };
    }
  }
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

function stimulusOf(program: Program, { memory, timezone }: Context, event: RuleEvent): Stimulus {
  switch (event.type) {
    case 'observed':
      return {
        moves: (event.moves ?? []) as unknown as Move[],
        waits: (event.waits ?? []) as unknown as NonNullable<Stimulus['waits']>,
        outcomes: (event.outcomes ?? []) as unknown as NonNullable<Stimulus['outcomes']>,
      };
    case 'run': {
      const hit: Hit = { trigger: null, id: 'manual', type: 'manual', at: event.at };
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
      return stimulusOfMessage(program, memory, event, timezone);
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

/** Whether a change concerns the rule: what it moves, as the event of its next turn. */
export function heed(context: Context, seen: Observation, facts: () => Facts): EventData | null {
  const { definition, enabled, memory, timezone } = context;
  if (!definition || !enabled) return null;
  const program = programOf(definition);
  const sight: Sight = { seen, facts, timezone, readsAfter: program.readsAfter };
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

function waitsOf(program: Program, run: Run, sight: Sight) {
  return run.threads.flatMap((thread) => {
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
  senders: {
    'rule.defined': ['engine'],
    observed: ['engine'],
    due: [],
    'webhook.called': ['engine'],
    'engine.started': ['engine'],
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
  heed,
});
