/** What an instruction may do with the thread that has come to it. */
import type { Effect, Json } from '../../../engine/kind.ts';
import type { Progress, Step } from '../actions/action.ts';
import { judge } from '../conditions/judge.ts';
import type { Test } from '../conditions/test.ts';
import type { OperandValue, Scope } from '../expressions/expression.ts';
import type { Template } from '../expressions/template.ts';
import type { Memory, Run, Thread, Waiting } from '../model/memory.ts';
import type { Outcome } from '../model/outcome.ts';
import { timerOf } from '../triggers/alarms.ts';
import type { Moment } from './reaction.ts';
import type { RuleTurn } from './rule-turn.ts';

/** Those who carry the runs on. */
interface Carrier {
  follow(run: Run, thread: Thread): void;
  resume(run: Run, thread: Thread): void;
  end(run: Run, outcome: Outcome, reason?: string): void;
}

export class ThreadStep implements Step {
  readonly run: Run;
  readonly thread: Thread;
  readonly #turn: RuleTurn;
  readonly #carrier: Carrier;

  constructor(turn: RuleTurn, carrier: Carrier, run: Run, thread: Thread) {
    this.#turn = turn;
    this.#carrier = carrier;
    this.run = run;
    this.thread = thread;
  }

  get memory(): Memory {
    return this.#turn.memory;
  }

  get moment(): Moment {
    return this.#turn.moment;
  }

  get isTrial(): boolean {
    return this.moment.isTrial ?? false;
  }

  get priority(): number {
    return this.#turn.program.definition.priority;
  }

  scope(): Scope {
    return this.#turn.scope(this.run.hit, this.run.vars);
  }

  fill(values: Template): { value: Json; operands: OperandValue[] } | null {
    const filled = values.fill(this.scope());
    if (filled.ok) return filled;
    this.end('failed', filled.reason);
    return null;
  }

  judge(test: Test): boolean {
    const verdict = judge(test, this.scope(), this.moment.timezone);
    this.#turn.trace.push({ type: 'condition', run: this.run.id, verdict, place: this.#place });
    return verdict.isTrue;
  }

  ask(effects: readonly Effect[]): void {
    this.#turn.ask(effects);
  }

  done(what: string, operands: OperandValue[]): void {
    this.#turn.trace.push({ type: 'done', run: this.run.id, place: this.#place, what, operands });
  }

  /** Goes to an address, and forgets the rounds of loops that the thread leaves by it. */
  goTo(address: number): 'goes on' {
    const { thread } = this;
    thread.at = address;
    for (const key of Object.keys(thread.rounds)) {
      const begin = Number(key);
      const exit = this.#turn.program.instructions[begin]?.exit;
      if (exit !== undefined && (address < begin || address >= exit)) delete thread.rounds[key];
    }
    return 'goes on';
  }

  next(): 'goes on' {
    return this.goTo(this.thread.at + 1);
  }

  wait(waiting: Waiting, ms: number | null, what: string): 'waits' {
    const { run, thread } = this;
    thread.waiting = waiting;
    if (ms !== null) this.#turn.arm(timerOf(run, thread), this.moment.now + ms);
    this.#turn.trace.push({ type: 'waits', run: run.id, place: this.#place, what });
    return 'waits';
  }

  resume(): void {
    this.#carrier.resume(this.run, this.thread);
  }

  end(outcome: Outcome, reason?: string): Extract<Progress, 'waits'> {
    this.#carrier.end(this.run, outcome, reason);
    return 'waits';
  }

  follow(thread: Thread): void {
    this.#carrier.follow(this.run, thread);
  }

  get #place() {
    return this.#turn.program.instructions[this.thread.at]?.place ?? [];
  }
}
