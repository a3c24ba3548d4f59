/** The runs of a rule in one turn: a run is one or several threads, each at an instruction; a thread goes on until it waits or ends. */
import type { Instruction } from '../actions/action.ts';
import { released } from '../actions/claims.ts';
import { Measures } from '../expressions/measures.ts';
import type { Place } from '../language/place.ts';
import {
  budgetAt,
  type Run,
  refilledAt,
  type Thread,
  type TriggerFiring,
} from '../model/memory.ts';
import type { Outcome } from '../model/outcome.ts';
import { alarmIdsOf, timerOf, waitPrefix } from '../triggers/alarms.ts';
import type { RuleTurn } from './rule-turn.ts';
import { ThreadStep } from './step.ts';
import { stormBegins, stormIsOver } from './storm.ts';

/** Instructions of one turn: beyond it the rule goes round without ever waiting. */
const MAX_INSTRUCTIONS = 2_000;
/** What the engine does for each instruction, in steps of an expression. */
const INSTRUCTION_STEPS = 10;
/** The most bytes that a rule remembers: its runs, what waits to become one, and what its triggers hold. */
const MAX_MEMORY = 96 * 1_024;

export class Runs {
  readonly #turn: RuleTurn;

  constructor(turn: RuleTurn) {
    this.#turn = turn;
  }

  /** A run begins, unless the rule has been set off too often. */
  start(hit: TriggerFiring, key: string): void {
    const { memory, moment, trace } = this.#turn;
    const left = budgetAt(memory, moment.now);
    if (left <= 0) {
      this.#turn.refuse(hit, 'it was set off too often');
      if (memory.stormSince === null) stormBegins(this.#turn);
      return;
    }
    memory.budget = { left: left - 1, at: refilledAt(memory, moment.now) };
    if (memory.stormSince !== null) stormIsOver(this.#turn);
    const thread: Thread = { id: 0, at: 0, rounds: {}, fork: null };
    const run: Run = {
      id: memory.nextRun++,
      key,
      hit,
      startedAt: moment.now,
      vars: {},
      threads: [thread],
      forks: {},
      nextThread: 1,
    };
    memory.runs.push(run);
    this.#turn.started++;
    trace.push({ type: 'started', run: run.id, hit });
    this.follow(run, thread);
  }

  end(run: Run, outcome: Outcome, reason?: string): void {
    const { memory, ended, trace } = this.#turn;
    const why = reason === undefined ? {} : { reason };
    for (const thread of run.threads) this.#forgetTimers(run, thread);
    memory.runs = memory.runs.filter((other) => other !== run);
    ended.push({ outcome, ...why });
    trace.push({ type: 'ended', run: run.id, outcome, ...why });
    const next = memory.queue.findIndex(({ key }) => key === run.key);
    if (next < 0 || outcome === 'replaced' || outcome === 'restarted') return;
    const [waiting] = memory.queue.splice(next, 1);
    if (waiting) this.start(waiting.hit, waiting.key);
  }

  /** Ends all runs, and forgets whatever might begin one. */
  endAll(outcome: Outcome): void {
    const { memory, moment, effects } = this.#turn;
    for (const run of [...memory.runs]) this.end(run, outcome);
    for (const [key, { until }] of Object.entries(memory.triggers)) {
      if (until !== undefined) this.#turn.disarm(`hold:${key}`);
    }
    for (const [twin, until] of Object.entries(memory.holds ?? {})) {
      if (until > moment.now) effects.push(released(twin));
    }
    delete memory.holds;
    memory.triggers = {};
    memory.queue = [];
    if (memory.stormSince !== null) stormIsOver(this.#turn);
  }

  find(runId: number, threadId: number): [Run | undefined, Thread | undefined] {
    const run = this.#turn.memory.runs.find(({ id }) => id === runId);
    return [run, run?.threads.find(({ id }) => id === threadId)];
  }

  /** The instruction at which a thread waits, and what it may do with it. */
  waitingAt(run: Run, thread: Thread): { instruction: Instruction; step: ThreadStep } | null {
    const instruction = this.#turn.program.instructions[thread.at];
    return instruction ? { instruction, step: this.#stepOf(run, thread) } : null;
  }

  /** A thread has what it waited for. */
  resume(run: Run, thread: Thread): void {
    this.#forgetTimers(run, thread);
    delete thread.waiting;
    this.#stepOf(run, thread).next();
    this.follow(run, thread);
  }

  /** Goes on with a thread until it waits or ends. */
  follow(run: Run, thread: Thread): void {
    const { memory, moment, program } = this.#turn;
    while (memory.runs.includes(run) && run.threads.includes(thread)) {
      const instruction = program.instructions[thread.at];
      if (!instruction) {
        this.end(run, 'finished');
        return;
      }
      if (++this.#turn.instructions > MAX_INSTRUCTIONS) {
        this.end(run, 'failed', `did ${MAX_INSTRUCTIONS} steps without ever waiting`);
        return;
      }
      const progress = this.within(run, instruction, () => {
        moment.budget.spend(INSTRUCTION_STEPS + run.threads.length / 16);
        return instruction.execute(this.#stepOf(run, thread));
      });
      if (progress !== 'goes on') return;
    }
  }

  /** Does something for a run. @returns null: it cost too much, and the run has failed */
  within<T>(run: Run, instruction: Instruction, does: () => T): T | null {
    try {
      return does();
    } catch (thrown) {
      this.end(run, 'failed', this.#turn.exceed(thrown, placeOf(instruction)));
      return null;
    }
  }

  /** Ends the youngest runs until what is left of the rule's memory may be stored. */
  stayWithin(): void {
    const { memory } = this.#turn;
    // Looked at in any case, so at nobody's cost
    const measures = new Measures(() => {});
    const bytesOf = (what: unknown) => measures.of(what).bytes;
    const reason = `remembers more than ${MAX_MEMORY / 1_024} KiB in its runs, their variables and what set them off`;
    const isLarge = () => {
      const all = [...memory.runs, ...memory.queue, memory.triggers];
      return all.reduce((sum, one) => sum + bytesOf(one), 0) > MAX_MEMORY;
    };
    while (isLarge()) {
      const youngest = memory.runs.at(-1);
      this.#turn.exceeded ??= reason;
      if (memory.queue.length > 0) memory.queue.pop();
      else if (youngest) this.end(youngest, 'failed', reason);
      else memory.triggers = {};
    }
  }

  #stepOf(run: Run, thread: Thread): ThreadStep {
    return new ThreadStep(this.#turn, this, run, thread);
  }

  #forgetTimers(run: Run, thread: Thread): void {
    const { waiting } = thread;
    if (!waiting) return;
    const ids = [timerOf(run, thread)];
    const awaits = this.#turn.program.instructions[thread.at]?.awaits;
    if (waiting.type === 'wait' && awaits) {
      const prefix = waitPrefix(run, thread);
      ids.push(...awaits.triggers.flatMap((ready) => alarmIdsOf(ready, prefix)));
      for (const [key, { until }] of Object.entries(waiting.memory)) {
        if (until !== undefined) ids.push(`${prefix}${key}`);
      }
    }
    for (const id of ids) this.#turn.disarm(id);
  }
}

/** Where the failure of an instruction is told: its action, by name. */
function placeOf({ place, word }: Instruction): Place {
  return word === undefined ? place : [...place, word];
}
