/** What a rule does: a pure function of its program, its memory and what a moment brings. */
import type { Json } from '../../../engine/kind.ts';
import type { CommandOutcome } from '../actions/action.ts';
import { formatDuration } from '../language/duration.ts';
import type { Memory, Run, Thread } from '../model/memory.ts';
import type { Outcome } from '../model/outcome.ts';
import {
  alarmsOf,
  clockFiring,
  isClock,
  isTooLate,
  scheduleOf,
  waitPrefix,
} from '../triggers/alarms.ts';
import { admit } from './admission.ts';
import type { Program } from './program.ts';
import type { Moment, Overruling, Reaction, RunInput } from './reaction.ts';
import { RuleTurn } from './rule-turn.ts';
import { Runs } from './runs.ts';
import { applyMoves, hasFired, type Watchers } from './trigger-memory.ts';

export function react(program: Program, memory: Memory, input: RunInput, moment: Moment): Reaction {
  const turn = new RuleTurn(program, memory, moment);
  new Interpreter(turn).take(input);
  return turn;
}

/** Ends all runs, as when the rule is disabled or another definition takes over. */
export function endAll(
  program: Program,
  memory: Memory,
  outcome: Outcome,
  moment: Moment,
): Reaction {
  const turn = new RuleTurn(program, memory, moment);
  new Runs(turn).endAll(outcome);
  return turn;
}

class Interpreter {
  readonly #turn: RuleTurn;
  readonly #runs: Runs;

  constructor(turn: RuleTurn) {
    this.#turn = turn;
    this.#runs = new Runs(turn);
  }

  take(input: RunInput): void {
    const { moves = [], waits = [], outcomes = [], hits = [], overruled, due, missed } = input;
    const turn = this.#turn;
    turn.exceeded = input.exceeded ?? null;
    if (overruled) this.#overruled(overruled);
    if (missed) turn.refuse(missed.hit, `it came ${formatDuration(missed.late)} late`);
    if (due) {
      if (!('run' in due)) this.#holdIsOver(due.hold);
      else if (due.hold === undefined) this.#timeIsUp(due.run, due.thread);
      else this.#waitIsOver(due.run, due.thread, due.hold, due.late);
    }
    for (const one of waits) {
      const [run, thread] = this.#runs.find(one.run, one.thread);
      const watchers = run && thread && this.#watchersOf(run, thread);
      if (!watchers) continue;
      const [hit] = applyMoves(turn, one.moves, watchers);
      if (hit) run.vars.wait = hit as unknown as Json;
      if (hit || one.isTrue) this.#runs.resume(run, thread);
    }
    for (const { run, thread, ...outcome } of outcomes) this.#commandEnded(run, thread, outcome);
    for (const hit of applyMoves(turn, moves, this.#ownWatchers)) admit(turn, this.#runs, hit);
    for (const { hit, unconditionally } of hits) admit(turn, this.#runs, hit, unconditionally);
    this.#runs.stayWithin();
  }

  get #ownWatchers(): Watchers {
    const { program, memory } = this.#turn;
    return { triggers: program.triggers, memory: memory.triggers, prefix: 'hold:' };
  }

  /** Null: the thread does not wait for triggers. */
  #watchersOf(run: Run, { id, at, waiting }: Thread): Watchers | null {
    const awaits = this.#turn.program.instructions[at]?.awaits;
    if (waiting?.type !== 'wait' || !awaits) return null;
    const { triggers } = awaits;
    return { triggers, memory: waiting.memory, prefix: waitPrefix(run, { id }) };
  }

  /** What a trigger waits for has held for long enough. */
  #holdIsOver(key: string): void {
    const watchers = this.#ownWatchers;
    const held = watchers.memory[key];
    if (held?.until === undefined || !held.hit) return;
    const hit = { ...held.hit, at: this.#turn.moment.now };
    hasFired(key, watchers);
    admit(this.#turn, this.#runs, hit);
  }

  /** What a thread waits for has held for long enough, or a clock that it waits for has come. */
  #waitIsOver(runId: number, threadId: number, key: string, late: number): void {
    const [run, thread] = this.#runs.find(runId, threadId);
    const watchers = run && thread && this.#watchersOf(run, thread);
    const ready = watchers?.triggers[Number(key.split(':')[0])];
    if (!watchers || !ready) return;
    const { moment } = this.#turn;
    const isAlarm = isClock(ready.trigger);
    if (isAlarm && isTooLate(ready, late)) {
      this.#at(run, thread, () => {
        for (const alarm of alarmsOf(ready, moment, watchers.prefix))
          this.#turn.ask([scheduleOf(alarm)]);
      });
      return;
    }
    const hit = isAlarm ? clockFiring(ready, moment.now) : watchers.memory[key]?.hit;
    if (!hit) return;
    run.vars.wait = hit as unknown as Json;
    this.#runs.resume(run, thread);
  }

  #timeIsUp(runId: number, threadId: number): void {
    const [run, thread] = this.#runs.find(runId, threadId);
    if (!run || !thread?.waiting) return;
    this.#at(run, thread, ({ instruction, step }) => instruction.timeIsUp?.(step));
  }

  #commandEnded(runId: number, threadId: number, outcome: CommandOutcome): void {
    const [run, thread] = this.#runs.find(runId, threadId);
    if (!run || thread?.waiting?.type !== 'command') return;
    this.#at(run, thread, ({ instruction, step }) => instruction.commandEnded?.(step, outcome));
  }

  /** Does something at the instruction where a thread waits; the run fails when it costs too much. */
  #at(
    run: Run,
    thread: Thread,
    does: (at: NonNullable<ReturnType<Runs['waitingAt']>>) => void,
  ): void {
    const at = this.#runs.waitingAt(run, thread);
    if (at) this.#runs.within(run, at.instruction, () => does(at));
  }

  /** What the rule wanted of a twin does not count, or counts no more. */
  #overruled({ wish, ...what }: Overruling & { wish?: string }): void {
    const { trace, memory } = this.#turn;
    trace.push({ type: 'overruled', ...what });
    if (what.until === null && memory.holds) delete memory.holds[what.twin];
    const ref = wish?.split('~')[1];
    const run = ref && memory.runs.find(({ id }) => id === Number(ref.split('.')[0]));
    if (!run) return;
    const reason = `${what.by} holds ${what.keys.join(', ')} of "${what.twin}"`;
    this.#runs.end(run, 'stopped', reason);
  }
}
