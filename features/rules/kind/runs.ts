/**
 * What a rule does: a pure function of its program, its memory and an event. A run is one or several threads,
 * each at an instruction; a thread goes on until it waits or ends.
 */
import type { Effect, Facts, Json, JsonObject } from '../../../engine/kind.ts';
import { type Budget, BudgetExceeded } from '../expressions/budget.ts';
import type { OperandValue, Scope } from '../expressions/expression.ts';
import { Measures } from '../expressions/measures.ts';
import { formatDuration } from '../language/duration.ts';
import { type Place, pathOf } from '../language/place.ts';
import {
  alarmIdsOf,
  alarmsOf,
  clockHit,
  isClock,
  isTooLate,
  scheduleOf,
  timerOf,
  waitPrefix,
} from './clockwork.ts';
import { judge, type Verdict } from './conditions.ts';
import { claimed, deedsOf, released } from './deeds.ts';
import {
  budgetAt,
  type Memory,
  type Run,
  refilledAt,
  type Thread,
  type TriggerFiring,
  type TriggerMemory,
  type Waiting,
} from './memory.ts';
import { type Instruction, isAwaited, type Program, type Test } from './program.ts';
import { scopeOf } from './scope.ts';
import type { Move } from './triggers.ts';

/** The surroundings of a turn. */
export interface Moment {
  /** Epoch ms. */
  now: number;
  facts: Facts;
  timezone: string;
  /** What the turn may cost. */
  budget: Budget;
  /** Nothing is sent: what would be waited for of others is taken to have come. */
  isTrial?: boolean;
}

/** What happened on the way; for the explanation. */
export type Trace =
  | { type: 'condition'; run: number | null; verdict: Verdict; place: Place }
  | { type: 'refused'; hit: TriggerFiring; reason: string }
  | { type: 'started'; run: number; hit: TriggerFiring }
  | { type: 'done'; run: number; place: Place; what: string; operands: OperandValue[] }
  | { type: 'waits'; run: number; place: Place; what: string }
  | { type: 'ended'; run: number; outcome: Outcome; reason?: string }
  /** The engine has disabled the rule. */
  | { type: 'disabled'; reason: string }
  | ({ type: 'overruled' } & Overruling);
export type Outcome = 'finished' | 'stopped' | 'failed' | 'restarted' | 'replaced';

/** Somebody wants something else of a twin, and prevails. */
export interface Overruling {
  twin: string;
  keys: string[];
  by: string;
  /** Epoch ms; null: for good. */
  until: number | null;
}

/** What a moment brings to a rule. */
export interface RunInput {
  moves?: readonly Move[];
  waits?: readonly { run: number; thread: number; moves: readonly Move[]; isTrue: boolean }[];
  outcomes?: readonly { run: number; thread: number; status: string; error?: string }[];
  /** Runs by themselves: of a clock, a webhook, a person. */
  hits?: readonly { hit: TriggerFiring; unconditionally?: boolean }[];
  /** With the id of the wish that was in vain, where it was not an earlier one that counts no more. */
  overruled?: Overruling & { wish?: string };
  /** A thread's timer, or a trigger's. */
  due?: { hold: string } | { run: number; thread: number; hold?: string; late: number };
  /** A clock has come too late (ms). */
  missed?: { hit: TriggerFiring; late: number };
  /** To find out whether a change concerns the rule has cost too much. */
  exceeded?: string;
}

export interface Reaction {
  memory: Memory;
  effects: Effect[];
  trace: Trace[];
  /** Runs that started and ended. */
  started: number;
  ended: { outcome: Outcome; reason?: string }[];
  /** Why the turn cost more than it may; null: it did not. */
  exceeded: string | null;
}

/** Instructions of one turn: beyond it the rule goes round without ever waiting. */
const MOST_INSTRUCTIONS = 2_000;
const STORM = 'rule-storm';
/** What the engine does for each instruction and for each effect, in steps of an expression. */
const INSTRUCTION_STEPS = 10;
const EFFECT_STEPS = 100;
/** Of the variables of one run, as JSON. */
const MOST_VARS = 64 * 1_024;
/** Of all that a rule remembers: its runs, what waits to become one, and what its triggers hold. */
const MOST_MEMORY = 96 * 1_024;

export function react(
  program: Program,
  memory: Memory,
  stimulus: RunInput,
  moment: Moment,
): Reaction {
  const turn = new Turn(program, memory, moment);
  turn.take(stimulus);
  return turn.reaction();
}

/** Ends all runs, as when the rule is disabled or another definition takes over. */
export function endAll(
  program: Program,
  memory: Memory,
  outcome: Outcome,
  moment: Moment,
): Reaction {
  const turn = new Turn(program, memory, moment);
  turn.endAll(outcome);
  return turn.reaction();
}

class Turn {
  readonly #program: Program;
  readonly #moment: Moment;
  readonly #memory: Memory;
  readonly #effects: Effect[] = [];
  readonly #trace: Trace[] = [];
  readonly #ended: { outcome: Outcome; reason?: string }[] = [];
  #started = 0;
  #instructions = 0;
  #exceeded: string | null = null;

  constructor(program: Program, memory: Memory, moment: Moment) {
    this.#program = program;
    this.#moment = moment;
    // All of it is small, and nothing of the former state may change
    this.#memory = structuredClone(memory);
  }

  reaction(): Reaction {
    return {
      memory: this.#memory,
      effects: this.#effects,
      trace: this.#trace,
      started: this.#started,
      ended: this.#ended,
      exceeded: this.#exceeded,
    };
  }

  take(stimulus: RunInput): void {
    const { moves = [], waits = [], outcomes = [], hits = [], overruled, due, missed } = stimulus;
    this.#exceeded = stimulus.exceeded ?? null;
    if (overruled) this.#overruled(overruled);
    if (missed) this.#refuse(missed.hit, `it came ${formatDuration(missed.late)} late`);
    if (due) {
      if (!('run' in due)) this.#holdIsOver(due.hold);
      else if (due.hold === undefined) this.#timeIsUp(due.run, due.thread);
      else this.#waitIsOver(due.run, due.thread, due.hold, due.late);
    }
    for (const { run: id, thread: threadId, moves: those, isTrue } of waits) {
      const [run, thread] = this.#find(id, threadId);
      if (!run || thread?.waiting?.type !== 'wait') continue;
      const fired = this.#move(those, thread.waiting.memory, waitPrefix(run, thread));
      const [hit] = fired;
      if (hit) run.vars.wait = hit as unknown as Json;
      if (hit || isTrue) this.#resume(run, thread);
    }
    for (const outcome of outcomes) this.#commandEnded(outcome);
    for (const hit of this.#move(moves, this.#memory.triggers, 'hold:')) this.#trigger(hit, false);
    for (const { hit, unconditionally = false } of hits) this.#trigger(hit, unconditionally);
    this.#stayWithin();
  }

  /** Ends the youngest runs until what is left of the rule's memory may be stored. */
  #stayWithin(): void {
    const memory = this.#memory;
    // Looked at in any case, so at nobody's cost
    const measures = new Measures(() => {});
    const bytesOf = (what: unknown) => measures.of(what).bytes;
    const reason = `remembers more than ${MOST_MEMORY / 1_024} KiB in its runs, their variables and what set them off`;
    const isLarge = () => {
      const all = [...memory.runs, ...memory.queue, memory.triggers];
      return all.reduce((sum, one) => sum + bytesOf(one), 0) > MOST_MEMORY;
    };
    while (isLarge()) {
      const youngest = memory.runs.at(-1);
      this.#exceeded ??= reason;
      if (memory.queue.length > 0) memory.queue.pop();
      else if (youngest) this.#end(youngest, 'failed', reason);
      else memory.triggers = {};
    }
  }

  /** The turn has cost too much: whatever is to go on ends here. @returns why, with its place */
  #exceed(thrown: unknown, place: Place): string {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    const reason = `${pathOf(place)}: ${thrown.reason}`;
    this.#exceeded ??= reason;
    return reason;
  }

  /** Does something for a run, which fails when it costs too much. */
  #within(run: Run, instruction: Instruction, does: () => void): void {
    try {
      does();
    } catch (thrown) {
      this.#end(run, 'failed', this.#exceed(thrown, placeOf(instruction)));
    }
  }

  #effect(effect: Effect): void {
    this.#moment.budget.spend(EFFECT_STEPS);
    this.#effects.push(effect);
  }

  endAll(outcome: Outcome): void {
    for (const run of [...this.#memory.runs]) this.#end(run, outcome);
    for (const [key, { until }] of Object.entries(this.#memory.triggers)) {
      if (until !== undefined) this.#effects.push({ type: 'unschedule', id: `hold:${key}` });
    }
    for (const [twin, until] of Object.entries(this.#memory.holds ?? {})) {
      if (until > this.#moment.now) this.#effects.push(released(twin));
    }
    delete this.#memory.holds;
    this.#memory.triggers = {};
    this.#memory.queue = [];
    if (this.#memory.stormSince !== null) this.#stormIsOver();
  }

  // ── triggers ───────────────────────────────────────────────────────────────────────────────

  /** Applies moves to a memory of triggers. @returns what has fired */
  #move(
    moves: readonly Move[],
    memory: Record<string, TriggerMemory>,
    timer: string,
  ): TriggerFiring[] {
    const fired: TriggerFiring[] = [];
    for (const { key, move, hit } of moves) {
      switch (move) {
        case 'fires':
          this.#spend(memory, key);
          fired.push(hit);
          break;
        case 'holds': {
          const until = this.#moment.now + (this.#heldFor(key, timer) ?? 0);
          memory[key] = {
            ...memory[key],
            until,
            hit,
            ...(hit.type === 'when' && { isTrue: true }),
          };
          this.#arm(`${timer}${key}`, until);
          break;
        }
        case 'breaks':
          delete memory[key];
          this.#effects.push({ type: 'unschedule', id: `${timer}${key}` });
          break;
        case 'rearms':
          delete memory[key];
          break;
      }
    }
    return fired;
  }

  /** What a trigger that has fired remembers. */
  #spend(memory: Record<string, TriggerMemory>, key: string): void {
    const { trigger } = this.#triggerOf(key, memory) ?? {};
    if (trigger?.type === 'when') memory[key] = { isTrue: true };
    else if (trigger?.type === 'number' && trigger.hysteresis !== undefined)
      memory[key] = { isSpent: true };
    else delete memory[key];
  }

  #triggerOf(key: string, memory: Record<string, TriggerMemory>) {
    const index = Number(key.split(':')[0]);
    if (memory === this.#memory.triggers) return this.#program.triggers[index];
    for (const run of this.#memory.runs) {
      for (const { at, waiting } of run.threads) {
        const instruction = this.#program.instructions[at];
        if (waiting?.type === 'wait' && waiting.memory === memory && instruction?.op === 'wait') {
          return instruction.triggers[index];
        }
      }
    }
    return undefined;
  }

  #heldFor(key: string, timer: string): number | undefined {
    const index = Number(key.split(':')[0]);
    const [, run, thread] = timer.split(':');
    const at = timer === 'hold:' ? undefined : this.#find(Number(run), Number(thread))[1]?.at;
    const instruction = at === undefined ? undefined : this.#program.instructions[at];
    const ready =
      timer === 'hold:'
        ? this.#program.triggers[index]
        : instruction?.op === 'wait'
          ? instruction.triggers[index]
          : undefined;
    return ready && 'for' in ready.trigger ? ready.trigger.for : undefined;
  }

  #holdIsOver(key: string): void {
    const held = this.#memory.triggers[key];
    if (held?.until === undefined || !held.hit) return;
    const { hit } = held;
    this.#spend(this.#memory.triggers, key);
    this.#trigger({ ...hit, at: this.#moment.now }, false);
  }

  /** What a thread waits for has held for long enough, or a clock that it waits for has come. */
  #waitIsOver(runId: number, threadId: number, key: string, late: number): void {
    const [run, thread] = this.#find(runId, threadId);
    const instruction = this.#program.instructions[thread?.at ?? -1];
    if (!run || thread?.waiting?.type !== 'wait' || instruction?.op !== 'wait') return;
    const ready = instruction.triggers[Number(key.split(':')[0])];
    if (!ready) return;
    const prefix = waitPrefix(run, thread);
    const isAlarm = isClock(ready.trigger);
    if (isAlarm && isTooLate(ready, late)) {
      this.#within(run, instruction, () => {
        for (const alarm of alarmsOf(ready, this.#moment, prefix)) this.#effect(scheduleOf(alarm));
      });
      return;
    }
    const hit = isAlarm ? clockHit(ready, this.#moment.now) : thread.waiting.memory[key]?.hit;
    if (!hit) return;
    run.vars.wait = hit as unknown as Json;
    this.#resume(run, thread);
  }

  /** A trigger has fired: whether a run begins. */
  #trigger(hit: TriggerFiring, unconditionally: boolean): void {
    let place: Place = ['conditions'];
    try {
      if (!unconditionally) {
        for (const [at, test] of this.#program.conditions.entries()) {
          place = ['conditions', at];
          if (!this.#isMet(test, hit, place)) return;
        }
      }
      place = ['key'];
      this.#admit(hit, this.#keyOf(hit));
    } catch (thrown) {
      const reason = this.#exceed(thrown, place);
      this.#ended.push({ outcome: 'failed', reason });
      this.#refuse(hit, reason);
    }
  }

  #isMet(test: Test, hit: TriggerFiring, place: Place): boolean {
    const verdict = judge(test, this.#scope(hit, {}), this.#moment.timezone);
    this.#trace.push({ type: 'condition', run: null, verdict, place });
    if (!verdict.isTrue) this.#refuse(hit, 'a condition was not true');
    return verdict.isTrue;
  }

  #keyOf(hit: TriggerFiring): string {
    const keyed = this.#program.key?.evaluate(this.#scope(hit, {}));
    return keyed?.ok ? JSON.stringify(keyed.value) : '';
  }

  /** As the mode has it, a run begins, waits, or is refused. */
  #admit(hit: TriggerFiring, key: string): void {
    const { definition } = this.#program;
    const same = this.#memory.runs.filter((run) => run.key === key);
    switch (definition.mode) {
      case 'single':
        if (same.length > 0) {
          this.#refuse(hit, 'it was running already (mode single)');
          return;
        }
        break;
      case 'restart':
        for (const run of same) this.#end(run, 'restarted');
        break;
      case 'queued':
        if (same.length > 0) {
          if (this.#memory.queue.length >= definition.most) {
            this.#refuse(hit, `${definition.most} runs waited already (mode queued)`);
          } else this.#memory.queue.push({ key, hit });
          return;
        }
        break;
      case 'parallel':
        if (same.length >= definition.most) {
          this.#refuse(hit, `it ran ${definition.most} times already (mode parallel)`);
          return;
        }
        break;
    }
    this.#start(hit, key);
  }

  #refuse(hit: TriggerFiring, reason: string): void {
    this.#trace.push({ type: 'refused', hit, reason });
  }

  // ── runs ───────────────────────────────────────────────────────────────────────────────────

  #start(hit: TriggerFiring, key: string): void {
    const memory = this.#memory;
    const left = budgetAt(memory, this.#moment.now);
    if (left <= 0) {
      this.#refuse(hit, 'it was set off too often');
      if (memory.stormSince === null) this.#storm();
      return;
    }
    memory.budget = { left: left - 1, at: refilledAt(memory, this.#moment.now) };
    if (memory.stormSince !== null) this.#stormIsOver();
    const run: Run = {
      id: memory.nextRun++,
      key,
      hit,
      startedAt: this.#moment.now,
      vars: {},
      threads: [{ id: 0, at: 0, rounds: {}, fork: null }],
      forks: {},
      nextThread: 1,
    };
    memory.runs.push(run);
    this.#started++;
    this.#trace.push({ type: 'started', run: run.id, hit });
    this.#continue(run, run.threads[0] as Thread);
  }

  #storm(): void {
    this.#memory.stormSince = this.#moment.now;
    this.#effects.push({
      type: 'alert',
      key: STORM,
      severity: 'warning',
      state: 'raised',
      message:
        'set off too often: after 60 runs at once it runs once a second. See what triggers it.',
    });
  }

  #stormIsOver(): void {
    this.#memory.stormSince = null;
    this.#effects.push({
      type: 'alert',
      key: STORM,
      severity: 'warning',
      state: 'cleared',
      message: 'runs when it is triggered again',
    });
  }

  #end(run: Run, outcome: Outcome, reason?: string): void {
    for (const thread of run.threads) this.#forgetTimers(run, thread);
    this.#memory.runs = this.#memory.runs.filter((other) => other !== run);
    this.#ended.push({ outcome, ...(reason !== undefined && { reason }) });
    this.#trace.push({
      type: 'ended',
      run: run.id,
      outcome,
      ...(reason !== undefined && { reason }),
    });
    const next = this.#memory.queue.findIndex(({ key }) => key === run.key);
    if (next < 0 || outcome === 'replaced' || outcome === 'restarted') return;
    const [waiting] = this.#memory.queue.splice(next, 1);
    if (waiting) this.#start(waiting.hit, waiting.key);
  }

  #find(runId: number, threadId: number): [Run | undefined, Thread | undefined] {
    const run = this.#memory.runs.find(({ id }) => id === runId);
    return [run, run?.threads.find(({ id }) => id === threadId)];
  }

  #timeIsUp(runId: number, threadId: number): void {
    const [run, thread] = this.#find(runId, threadId);
    if (!run || !thread?.waiting) return;
    const instruction = this.#program.instructions[thread.at] as Instruction;
    switch (thread.waiting.type) {
      case 'delay':
        this.#resume(run, thread);
        return;
      case 'wait':
        run.vars.wait = null;
        if (instruction.op === 'wait' && instruction.otherwise === 'stop') {
          this.#end(run, 'stopped', 'what it waited for did not come in time');
        } else this.#resume(run, thread);
        return;
      case 'retry':
        if (instruction.op === 'command') {
          const { tries } = thread.waiting;
          this.#within(run, instruction, () => this.#command(run, thread, instruction, tries));
        }
        return;
      case 'command':
        return;
    }
  }

  #commandEnded(outcome: { run: number; thread: number; status: string; error?: string }): void {
    const [run, thread] = this.#find(outcome.run, outcome.thread);
    if (!run || thread?.waiting?.type !== 'command') return;
    const instruction = this.#program.instructions[thread.at];
    if (instruction?.op !== 'command') return;
    if (outcome.status === 'confirmed') {
      thread.waiting.open--;
      if (thread.waiting.open > 0) return;
      run.vars.outcome = 'confirmed';
      this.#resume(run, thread);
      return;
    }
    const { retry, name, otherwise } = instruction.action;
    const { tries } = thread.waiting;
    if (retry && tries <= retry.times) {
      thread.waiting = { type: 'retry', tries };
      this.#arm(timerOf(run, thread), this.#moment.now + retry.after);
      this.#trace.push({
        type: 'waits',
        run: run.id,
        place: instruction.place,
        what: `${formatDuration(retry.after)}, to try again what ended as ${outcome.status}`,
      });
      return;
    }
    if (otherwise === 'continue') {
      run.vars.outcome = outcome.status;
      this.#resume(run, thread);
      return;
    }
    this.#end(
      run,
      'failed',
      `command "${name}" ended as ${outcome.status}${outcome.error ? `: ${outcome.error}` : ''}`,
    );
  }

  /** A thread has what it waited for. */
  #resume(run: Run, thread: Thread): void {
    this.#forgetTimers(run, thread);
    delete thread.waiting;
    this.#goto(thread, thread.at + 1);
    this.#continue(run, thread);
  }

  #forgetTimers(run: Run, thread: Thread): void {
    const { waiting } = thread;
    if (!waiting) return;
    const ids = [timerOf(run, thread)];
    const instruction = this.#program.instructions[thread.at];
    if (waiting.type === 'wait' && instruction?.op === 'wait') {
      const prefix = waitPrefix(run, thread);
      ids.push(...instruction.triggers.flatMap((ready) => alarmIdsOf(ready, prefix)));
      for (const [key, { until }] of Object.entries(waiting.memory)) {
        if (until !== undefined) ids.push(`${prefix}${key}`);
      }
    }
    for (const id of ids) this.#effects.push({ type: 'unschedule', id });
  }

  /** Goes on with a thread until it waits or ends. */
  #continue(run: Run, thread: Thread): void {
    while (this.#memory.runs.includes(run) && run.threads.includes(thread)) {
      const instruction = this.#program.instructions[thread.at];
      if (!instruction) {
        this.#end(run, 'finished');
        return;
      }
      if (++this.#instructions > MOST_INSTRUCTIONS) {
        this.#end(run, 'failed', `did ${MOST_INSTRUCTIONS} steps without ever waiting`);
        return;
      }
      try {
        this.#moment.budget.spend(INSTRUCTION_STEPS + run.threads.length / 16);
        if (this.#execute(run, thread, instruction) === 'waits') return;
      } catch (thrown) {
        this.#end(run, 'failed', this.#exceed(thrown, placeOf(instruction)));
        return;
      }
    }
  }

  #execute(run: Run, thread: Thread, instruction: Instruction): 'goes on' | 'waits' {
    switch (instruction.op) {
      case 'do': {
        const filled = instruction.values.fill(this.#scope(run.hit, run.vars));
        if (!filled.ok) {
          this.#end(run, 'failed', filled.reason);
          return 'waits';
        }
        this.#ask(this.#deeds(run, thread, instruction, filled.value as JsonObject));
        this.#done(
          run,
          instruction,
          describe(instruction.action.type, filled.value as JsonObject),
          filled.operands,
        );
        this.#goto(thread, thread.at + 1);
        return 'goes on';
      }
      case 'command':
        return this.#command(run, thread, instruction, 0);
      case 'let': {
        const filled = instruction.values.fill(this.#scope(run.hit, run.vars));
        if (!filled.ok) {
          this.#end(run, 'failed', filled.reason);
          return 'waits';
        }
        const vars = { ...run.vars, ...(filled.value as JsonObject) };
        if (this.#moment.budget.bytesOf(vars) > MOST_VARS) {
          const names = Object.keys(filled.value as JsonObject).join(', ');
          throw new BudgetExceeded(
            `setting ${names} lets the variables of its run grow beyond ${MOST_VARS / 1_024} KiB`,
          );
        }
        run.vars = vars;
        this.#done(run, instruction, `let ${JSON.stringify(filled.value)}`, filled.operands);
        this.#goto(thread, thread.at + 1);
        return 'goes on';
      }
      case 'delay':
        this.#wait(run, thread, { type: 'delay' }, instruction.ms, formatDuration(instruction.ms));
        return 'waits';
      case 'wait': {
        const until = instruction.until?.evaluate(this.#scope(run.hit, run.vars));
        if (until?.ok && until.value === true) {
          this.#done(
            run,
            instruction,
            `${instruction.until?.text} was true already`,
            until.operands,
          );
          this.#goto(thread, thread.at + 1);
          return 'goes on';
        }
        this.#wait(
          run,
          thread,
          { type: 'wait', memory: {} },
          instruction.timeout,
          'for an event or a condition',
        );
        const prefix = waitPrefix(run, thread);
        const alarms = instruction.triggers.flatMap((one) => alarmsOf(one, this.#moment, prefix));
        for (const alarm of alarms) this.#effect(scheduleOf(alarm));
        return 'waits';
      }
      case 'test': {
        const verdict = judge(
          instruction.test,
          this.#scope(run.hit, run.vars),
          this.#moment.timezone,
        );
        this.#trace.push({ type: 'condition', run: run.id, verdict, place: instruction.place });
        this.#goto(thread, verdict.isTrue ? thread.at + 1 : instruction.otherwise);
        return 'goes on';
      }
      case 'jump':
        this.#goto(thread, instruction.to);
        return 'goes on';
      case 'round': {
        const key = String(thread.at);
        const rounds = (thread.rounds[key] ?? 0) + 1;
        thread.rounds[key] = rounds;
        this.#goto(thread, rounds > instruction.most ? instruction.exit : thread.at + 1);
        return 'goes on';
      }
      case 'fork': {
        const { at: id } = thread;
        run.threads = run.threads.filter((other) => other !== thread);
        run.forks[String(id)] = {
          left: instruction.branches.length,
          parent: thread.fork,
          rounds: thread.rounds,
        };
        const branches = instruction.branches.map(
          (at): Thread => ({ id: run.nextThread++, at, rounds: {}, fork: id }),
        );
        run.threads.push(...branches);
        for (const branch of branches) this.#continue(run, branch);
        return 'waits';
      }
      case 'join': {
        run.threads = run.threads.filter((other) => other !== thread);
        const fork = run.forks[String(thread.fork)];
        if (!fork) return 'waits';
        fork.left--;
        if (fork.left > 0) return 'waits';
        delete run.forks[String(thread.fork)];
        const after: Thread = {
          id: run.nextThread++,
          at: thread.at + 1,
          rounds: fork.rounds,
          fork: fork.parent,
        };
        run.threads.push(after);
        this.#continue(run, after);
        return 'waits';
      }
      case 'stop':
        this.#end(run, 'stopped', instruction.reason ?? undefined);
        return 'waits';
    }
  }

  #deeds(
    run: Run,
    thread: Thread,
    instruction: Extract<Instruction, { op: 'do' }>,
    values: JsonObject,
  ): Effect[] {
    const { action } = instruction;
    if (action.type !== 'set' && action.type !== 'release')
      return deedsOf(action.type, values, instruction, this.#program.definition.priority);
    const twins = [values.twin ?? []].flat().map(String);
    const holds = { ...this.#memory.holds };
    for (const [twin, until] of Object.entries(holds)) {
      if (until <= this.#moment.now || twins.includes(twin)) delete holds[twin];
    }
    const holdMs = action.type === 'set' ? action.hold : undefined;
    if (holdMs !== undefined) for (const to of twins) holds[to] = this.#moment.now + holdMs;
    if (Object.keys(holds).length > 0) this.#memory.holds = holds;
    else delete this.#memory.holds;
    if (action.type === 'release') return twins.map(released);
    const { priority } = this.#program.definition;
    return twins.map((to) => ({
      type: 'tell',
      to,
      event: { ...(values.desired as JsonObject), type: 'desired.changed' },
      ...(action.otherwise === 'stop' && { ref: `${run.id}.${thread.id}.${thread.at}` }),
      ...claimed(priority, holdMs),
    }));
  }

  /** What the rule wanted of a twin does not count, or counts no more. */
  #overruled({ wish, ...what }: Overruling & { wish?: string }): void {
    this.#trace.push({ type: 'overruled', ...what });
    if (what.until === null && this.#memory.holds) delete this.#memory.holds[what.twin];
    const ref = wish?.split('~')[1];
    const run = ref && this.#memory.runs.find(({ id }) => id === Number(ref.split('.')[0]));
    if (run)
      this.#end(run, 'stopped', `${what.by} holds ${what.keys.join(', ')} of "${what.twin}"`);
  }

  #command(
    run: Run,
    thread: Thread,
    instruction: Extract<Instruction, { op: 'command' }>,
    tried: number,
  ): 'goes on' | 'waits' {
    const filled = instruction.values.fill(this.#scope(run.hit, run.vars));
    if (!filled.ok) {
      this.#end(run, 'failed', filled.reason);
      return 'waits';
    }
    const { action } = instruction;
    const { twin, name, args, expect } = filled.value as JsonObject;
    const twins = [twin].flat().map(String);
    const tries = tried + 1;
    const ref = `${run.id}.${thread.id}.${thread.at}.${tries}`;
    this.#ask(
      twins.map((to) => ({
        type: 'tell',
        to,
        event: {
          type: 'command.requested',
          name,
          args,
          ...(action.ttl !== undefined && { ttl: action.ttl }),
          ...(expect !== undefined && { expect }),
        },
        ref,
        ...claimed(this.#program.definition.priority),
      })),
    );
    this.#done(run, instruction, describe('command', filled.value as JsonObject), filled.operands);
    if (!isAwaited(action)) {
      this.#goto(thread, thread.at + 1);
      return 'goes on';
    }
    if (this.#moment.isTrial) {
      run.vars.outcome = 'confirmed';
      this.#goto(thread, thread.at + 1);
      return 'goes on';
    }
    thread.waiting = { type: 'command', ref, open: twins.length, tries };
    this.#trace.push({
      type: 'waits',
      run: run.id,
      place: instruction.place,
      what: 'for the command to be confirmed',
    });
    return 'waits';
  }

  #wait(run: Run, thread: Thread, waiting: Waiting, ms: number | null, what: string): void {
    thread.waiting = waiting;
    if (ms !== null) this.#arm(timerOf(run, thread), this.#moment.now + ms);
    const place = this.#program.instructions[thread.at]?.place ?? [];
    this.#trace.push({ type: 'waits', run: run.id, place, what });
  }

  #done(run: Run, { place }: Instruction, what: string, operands: OperandValue[]): void {
    this.#trace.push({ type: 'done', run: run.id, place, what, operands });
  }

  /** Moves a thread, and forgets the rounds of loops that it leaves. */
  #goto(thread: Thread, to: number): void {
    thread.at = to;
    for (const key of Object.keys(thread.rounds)) {
      const round = this.#program.instructions[Number(key)];
      if (round?.op === 'round' && (to < Number(key) || to >= round.exit))
        delete thread.rounds[key];
    }
  }

  /** What an action asks for; the first has been paid as the action's value, of the others each is a copy. */
  #ask(effects: readonly Effect[]): void {
    const { budget } = this.#moment;
    for (const [at, effect] of effects.entries()) {
      if (at > 0) budget.make(budget.bytesOf(effect));
      this.#effect(effect);
    }
  }

  #arm(id: string, at: number): void {
    this.#effects.push({ type: 'schedule', id, at, event: { type: 'due', what: id } });
  }

  #scope(hit: TriggerFiring, vars: JsonObject): Scope {
    const { now, facts, timezone, budget } = this.#moment;
    return scopeOf({ facts, hit, vars, now, timezone, budget });
  }
}

/** Where an instruction stands: its action, by name. */
function placeOf({ place, ...instruction }: Instruction): Place {
  switch (instruction.op) {
    case 'do':
    case 'command':
      return [...place, instruction.action.type];
    case 'let':
    case 'wait':
      return [...place, instruction.op];
    default:
      return place;
  }
}

function describe(type: string, values: JsonObject): string {
  return `${type} ${JSON.stringify(values)}`;
}
