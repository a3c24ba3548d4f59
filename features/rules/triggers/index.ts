/** All types of triggers. A new one is a file of this folder and a line in this list. */
import { z } from 'zod';
import type { Watch } from '../../../engine/kind.ts';
import type { Checker } from '../checker/checker.ts';
import type { Language } from '../language/languages.ts';
import type { Part } from '../language/part.ts';
import type { Place } from '../language/place.ts';
import type { Selector } from '../language/schemas.ts';
import type { TriggerFiring } from '../model/memory.ts';
import { alert } from './alert.ts';
import { cron } from './cron.ts';
import { event } from './event.ts';
import { every } from './every.ts';
import { intent } from './intent.ts';
import { mode } from './mode.ts';
import { mqtt } from './mqtt.ts';
import { number } from './number.ts';
import { start } from './start.ts';
import { state } from './state.ts';
import { sun } from './sun.ts';
import { time } from './time.ts';
import { type ReadyTrigger, ready, type Trigger, type TriggerType } from './trigger.ts';
import { webhook } from './webhook.ts';
import { when } from './when.ts';

export type { ReadyTrigger, Trigger } from './trigger.ts';

const TYPES = [
  ...[state, number, event, alert, intent],
  ...[cron, time, every, sun],
  ...[mode, webhook, start, mqtt, when],
] as readonly TriggerType[];
const BY_NAME: ReadonlyMap<string, TriggerType> = new Map(TYPES.map((one) => [one.type, one]));

export function typeOf({ type }: Trigger): TriggerType {
  const found = BY_NAME.get(type);
  if (!found) throw new Error(`there is no trigger of the type "${type}"`);
  return found;
}

/** What an author writes; its output is the canonical form. */
export const trigger = z.union(TYPES.map(({ schema }) => schema)) as z.ZodType<Trigger>;

/** How the texts of a trigger are read where a blueprint puts values into them; the others are plain. */
export const triggerParts: ReadonlyMap<string, Part> = new Map(
  TYPES.flatMap(({ parts = {} }) => Object.entries(parts)),
);

/** @throws ExpressionError for a trigger that was never checked */
export function readyTrigger(one: Trigger, index: number): ReadyTrigger {
  return ready(typeOf(one), one, index);
}

export function checkTrigger(one: Trigger, checker: Checker, place: Place): void {
  typeOf(one).check?.(one, checker, place);
}

/** Whose changes concern it. */
export function watchesOf(one: ReadyTrigger): Watch[] {
  return typeOf(one.trigger).watches?.(one) ?? [];
}

/** Twins that it names. */
export function twinsOf(one: Trigger): string[] {
  const { twin = [], room } = one as Trigger & Selector;
  return [...twin, ...(room === undefined ? [] : [room])];
}

/** What happened when a rule was set off, as the end of "the rule ran because …". */
export function wordsOf(firing: TriggerFiring, language: Language): string {
  const { words } = BY_NAME.get(firing.type) ?? { words: BY_HAND };
  return words[language](firing);
}
const BY_HAND = {
  en: () => 'somebody ran it by hand',
  de: () => 'jemand sie von Hand startete',
};
