/** Triggers of time as stored deadlines: what a rule, or a thread that waits, arms. */
import type { Effect } from '../../../engine/kind.ts';
import type { TriggerFiring } from '../model/memory.ts';
import { typeOf } from './index.ts';
import type { Alarm, AlarmMoment, ReadyTrigger, Trigger } from './trigger.ts';

/** What alarms of the rule's own triggers are called; of those that a thread waits for, see {@link waitPrefix}. */
const OWN = 'trigger:';

export function waitPrefix(run: { id: number }, thread: { id: number }): string {
  return `${timerOf(run, thread)}:`;
}

/** What the end of a thread's delay or timeout is called. */
export function timerOf(run: { id: number }, thread: { id: number }): string {
  return `run:${run.id}:${thread.id}`;
}

/** Whether it fires by itself, again and again. */
export function isClock(trigger: Trigger): boolean {
  return typeOf(trigger).clock !== undefined;
}

/** What a clock that fires is to the run that it sets off or ends the wait of. */
export function clockFiring({ index, id, trigger }: ReadyTrigger, at: number): TriggerFiring {
  return { trigger: index, id, type: trigger.type, at };
}

const ALARM_STEPS = 20;

/** The alarms of a trigger from now on; none for one that no clock fires. @throws BudgetExceeded */
export function alarmsOf(
  { trigger, index }: ReadyTrigger,
  moment: AlarmMoment,
  prefix = OWN,
): Alarm[] {
  moment.budget.spend(ALARM_STEPS);
  return typeOf(trigger).clock?.alarms(trigger, `${prefix}${index}`, moment) ?? [];
}

/** What a trigger's alarms are called, whether they are set or not. */
export function alarmIdsOf({ trigger, index }: ReadyTrigger, prefix = OWN): string[] {
  return typeOf(trigger).clock?.alarmIds(trigger, `${prefix}${index}`) ?? [];
}

/** The next alarms of a trigger that does not recur by itself. @param late of the one that has fired, ms @throws BudgetExceeded */
export function nextAlarmsOf(
  { trigger, index }: ReadyTrigger,
  late: number,
  moment: AlarmMoment,
): Alarm[] {
  const next = typeOf(trigger).clock?.next;
  if (!next) return [];
  moment.budget.spend(ALARM_STEPS);
  return next(trigger, `${OWN}${index}`, late, moment);
}

/** Whether an alarm that has come is to be passed over. @param late ms after its deadline */
export function isTooLate({ trigger }: ReadyTrigger, late: number): boolean {
  return typeOf(trigger).clock?.isTooLate?.(trigger, late) ?? false;
}

export function scheduleOf({ id, ...alarm }: Alarm): Effect {
  return { type: 'schedule', id, ...alarm, event: { type: 'due', what: id } };
}
