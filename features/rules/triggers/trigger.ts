/**
 * What a trigger is to the rest of the rules: one file per trigger says how it is written, checked, watched, moved and told. The files
 * are listed in `index.ts`.
 */
import type { z } from 'zod';
import type { Facts, Json, Lateness, Observation, Watch } from '../../../engine/kind.ts';
import type { Checker } from '../checker/checker.ts';
import type { Influence } from '../checker/influence.ts';
import type { Budget } from '../expressions/budget.ts';
import { type Expression, parseExpression, type Scope } from '../expressions/expression.ts';
import type { Language } from '../language/languages.ts';
import type { Part } from '../language/part.ts';
import type { Place } from '../language/place.ts';
import type { TriggerFiring, TriggerMemory } from '../model/memory.ts';

/** A trigger in its canonical form; what else it has is known to the file of its type. */
export interface Trigger {
  readonly type: string;
  readonly id?: string;
  /** How long it has to stay so before it fires, ms. */
  readonly for?: number;
}

/** A trigger of a rule, with its expression parsed. */
export interface ReadyTrigger<T extends Trigger = Trigger> {
  trigger: T;
  /** Its place among the triggers of the rule, or of what a run waits for. */
  index: number;
  /** The author's, or its type. */
  id: string;
  expression: Expression | null;
}

/** What a change does to a trigger; journaled with the rule's turn. */
export type Move = {
  /** The key of its memory: `index`, or `index:twin`. */
  key: string;
  move:
    | 'fires'
    /** What it waits for holds from now on. */
    | 'holds'
    /** It does not hold any more. */
    | 'breaks'
    /** It has come back by its hysteresis, or its expression is false again. */
    | 'rearms';
  hit: TriggerFiring;
};

/** A change of a twin, for a trigger to look at. */
export interface TriggerInput {
  seen: Observation;
  facts: () => Facts;
  timezone: string;
  /** What of the twin's aspect the rule's expressions read, as `trigger.after.…`. */
  readsAfter: readonly (readonly string[])[];
  /** What looking may cost. */
  budget: Budget;
}

/** Says why a trigger did not move although its twin changed; for those who ask. */
export type Miss = (reason: () => string, value?: Json) => null;

/** What reaches a rule from outside, without a twin; the rule's own events of that sort, as its kind declares them. */
export type Message = { at: number; facts?: Facts } & (
  | { type: 'webhook.called'; hook: string; body: Json }
  | { type: 'engine.started'; start: string }
);

/** A stored deadline of the rule: at a moment (epoch ms), or by a cron expression. */
export interface Alarm {
  id: string;
  at?: number;
  cron?: string;
  timezone?: string;
  lateness: Lateness;
}

/** The moment in which alarms are set. */
export interface AlarmMoment {
  /** Epoch ms. */
  now: number;
  timezone: string;
  facts: Facts;
  budget: Budget;
}

/** What a trigger that fires by itself, again and again, has. */
export interface Clock<T extends Trigger> {
  /** The alarms that it needs from now on. @param id what the alarm is called, or what its names begin with */
  alarms(trigger: T, id: string, moment: AlarmMoment): Alarm[];
  /** What its alarms are called, whether they are set or not. */
  alarmIds(trigger: T, id: string): string[];
  /** Whether an alarm that has come is passed over. Absent: the engine does so by the alarm's lateness. @param late ms */
  isTooLate?(trigger: T, late: number): boolean;
  /** The next alarm, of a clock that does not recur by itself. @param late of the one that has fired, ms */
  next?(trigger: T, id: string, late: number, moment: AlarmMoment): Alarm[];
}

export interface TriggerType<T extends Trigger = Trigger> {
  readonly type: T['type'];
  /** What an author writes; its output is the canonical form. */
  readonly schema: z.ZodType<T>;
  /** How the texts below its keys are read where a blueprint puts values into them; the others are plain. */
  readonly parts?: Readonly<Record<string, Part>>;
  /** Its expression. */
  text?(trigger: T): string | undefined;
  /** Says what is wrong with it among the twins of the home. */
  check?(trigger: T, checker: Checker, place: Place): void;
  /** Whose changes concern it. */
  watches?(ready: ReadyTrigger<T>): Watch[];
  /** It has to know where the home is. */
  readonly needsPlace?: true;
  /** Null: the change does not move it. @throws BudgetExceeded */
  move?(
    ready: ReadyTrigger<T>,
    memory: Readonly<Record<string, TriggerMemory>>,
    input: TriggerInput,
    miss: Miss,
  ): Move | null;
  /** What a message tells it; null: the message is about something else. */
  hear?(trigger: T, message: Message): Partial<TriggerFiring> | null;
  readonly clock?: Clock<T>;
  /** What it remembers when the rule begins; null: nothing. @throws BudgetExceeded */
  begin?(ready: ReadyTrigger<T>, scope: Scope): TriggerMemory | null;
  /** What it remembers while it holds, besides since when. */
  readonly holding?: TriggerMemory;
  /** What it remembers once it has fired; null: nothing. */
  fired?(trigger: T): TriggerMemory | null;
  /** The number that its twin has to pass: the change that comes nearest to it is told. */
  limit?(trigger: T): number | undefined;
  /** Whether giving a twin this value may fire it. */
  isMovedBy?(trigger: T, influence: Influence): boolean;
  /** What happened when it fired, as the end of "the rule ran because …". */
  readonly words: Readonly<Record<Language, (firing: TriggerFiring) => string>>;
}

export function defineTrigger<T extends Trigger>(type: TriggerType<T>): TriggerType<T> {
  return type;
}

/** @throws ExpressionError for a trigger that was never checked */
export function ready<T extends Trigger>(
  { text }: TriggerType<T>,
  trigger: T,
  index: number,
): ReadyTrigger<T> {
  const written = text?.(trigger);
  return {
    trigger,
    index,
    id: trigger.id ?? trigger.type,
    expression: written === undefined ? null : parseExpression(written),
  };
}
