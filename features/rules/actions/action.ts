/**
 * What an action is to the rest of the rules: one file per action says how it is written, checked, compiled, run and told. The files are
 * listed in `index.ts`.
 */
import type { z } from 'zod';
import type { Effect, Json, JsonObject, Watch } from '../../../engine/kind.ts';
import type { Checker } from '../checker/checker.ts';
import type { Influence } from '../checker/influence.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import type { Test } from '../conditions/test.ts';
import type { Expression, Operand, OperandValue, Scope } from '../expressions/expression.ts';
import { parseTemplate, type Template } from '../expressions/template.ts';
import type { Part } from '../language/part.ts';
import type { Place } from '../language/place.ts';
import type { Memory, Run, Thread, Waiting } from '../model/memory.ts';
import type { Outcome } from '../model/outcome.ts';
import type { AlarmMoment, ReadyTrigger } from '../triggers/trigger.ts';

/** An action in its canonical form; what else it has is known to the file of its type. */
export interface Action {
  readonly type: string;
}

/** Whether the thread goes on with the next instruction at once. */
export type Progress = 'goes on' | 'waits';

/** What an instruction may do with the thread that has come to it. */
export interface Step {
  readonly run: Run;
  readonly thread: Thread;
  readonly memory: Memory;
  readonly moment: AlarmMoment;
  /** Nothing is sent: what would be waited for of others is taken to have come. */
  readonly isTrial: boolean;
  readonly priority: number;
  /** What expressions see. */
  scope(): Scope;
  /** The values of a template; null: it has none, and the run has failed. @throws BudgetExceeded */
  fill(values: Template): { value: Json; operands: OperandValue[] } | null;
  /** Whether a condition is true; it is told in the trace. @throws BudgetExceeded */
  judge(test: Test): boolean;
  /** Asks something of the engine. @throws BudgetExceeded */
  ask(effects: readonly Effect[]): void;
  /** Tells in the trace what has been done. */
  done(what: string, operands: OperandValue[]): void;
  /** Goes to the instruction at this address. */
  goTo(address: number): 'goes on';
  next(): 'goes on';
  /** @param ms until its time is up; null: it has all the time there is @param what it waits for, as the trace tells it */
  wait(waiting: Waiting, ms: number | null, what: string): 'waits';
  /** Goes on after a wait. */
  resume(): void;
  /** Ends the run. */
  end(outcome: Outcome, reason?: string): 'waits';
  /** Goes on with another thread of the run. */
  follow(thread: Thread): void;
}

/** What a run waits for: any of the triggers, or that the expression is true. */
export interface Awaited {
  readonly triggers: readonly ReadyTrigger[];
  readonly until: Expression | null;
}

/** How a command ended. */
export interface CommandOutcome {
  status: string;
  error?: string;
}

/** One step of a compiled rule. */
export interface Instruction {
  /** The action that it comes of. */
  readonly place: Place;
  /** The name of its action, where its failure is told with it. */
  readonly word?: string;
  readonly operands: readonly Operand[];
  /** Whose changes it has to hear while a run is at it. */
  readonly watches?: readonly Watch[];
  readonly awaits?: Awaited;
  /** The address behind a loop. */
  readonly exit?: number;
  /** @throws BudgetExceeded */
  execute(step: Step): Progress;
  /** The time that it gave to a wait is up. @throws BudgetExceeded */
  timeIsUp?(step: Step): void;
  /** A command that it waits for has ended. */
  commandEnded?(step: Step, outcome: CommandOutcome): void;
}

/** Where the instructions of a rule are put together. */
export interface Assembler {
  /** The address of the instruction that comes next. */
  readonly address: number;
  add<I extends Instruction>(instruction: I): I;
  /** Adds actions that stand in this place. */
  compile(actions: readonly Action[], place: Place): void;
}

export interface ActionType<A extends Action = Action> {
  readonly type: A['type'];
  /** What an author writes; its output is the canonical form. @param actions for those that stand within it */
  schema(actions: z.ZodType<Action[]>): z.ZodType<A>;
  /** How the texts below its keys are read where a blueprint puts values into them; the others are templates. */
  readonly parts?: Readonly<Record<string, Part>>;
  /** Says what is wrong with it among the twins of the home, without what stands within it. */
  check?(action: A, checker: Checker, place: Place): void;
  /** Actions that stand within it, and where. */
  nested?(action: A): readonly { actions: readonly Action[]; place: Place }[];
  /** No action behind it is reached. */
  readonly isLast?: true;
  /** Twins that it names. */
  twins?(action: A): readonly string[];
  /** Values that it gives to twins. */
  influences?(action: A, place: Place, twins: ReadonlyMap<string, KnownTwin>): readonly Influence[];
  /** @throws ExpressionError for an action that was never checked */
  compile(action: A, place: Place, assembler: Assembler): void;
}

export function defineAction<A extends Action>(type: ActionType<A>): ActionType<A> {
  return type;
}

/**
 * An instruction that fills in the values of its action, asks something of the engine and goes on.
 * @param values in place of those that stand in the action
 */
export function asking<A extends Action>(
  action: A,
  place: Place,
  effects: (values: JsonObject, step: Step) => Effect[],
  values: Template = parseTemplate(valuesOf(action)),
): Instruction {
  return {
    place,
    word: action.type,
    operands: operandsOf(values),
    execute(step) {
      const filled = step.fill(values);
      if (!filled) return 'waits';
      step.ask(effects(filled.value as JsonObject, step));
      step.done(described(action, filled.value), filled.operands);
      return step.next();
    },
  };
}

/** What of an action may hold expressions: all but its type, and how its end is taken. */
function valuesOf(action: Action): JsonObject {
  const { type: _type, otherwise: _otherwise, ...values } = action as Action & JsonObject;
  return values;
}

export function operandsOf({ expressions }: Template): Operand[] {
  return expressions.flatMap(({ operands }) => operands);
}

/** An action with its values, as the trace tells it. */
export function described({ type }: Action, values: Json): string {
  return `${type} ${JSON.stringify(values)}`;
}
