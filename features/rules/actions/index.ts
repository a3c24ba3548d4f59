/** All types of actions. A new one is a file of this folder and a line in this list. */
import { z } from 'zod';
import type { Part } from '../language/part.ts';
import type { Action, ActionType } from './action.ts';
import { alert } from './alert.ts';
import { choose } from './choose.ts';
import { clear } from './clear.ts';
import { command } from './command.ts';
import { delay } from './delay.ts';
import { ifElse } from './if.ts';
import { letValues } from './let.ts';
import { notify } from './notify.ts';
import { parallel } from './parallel.ts';
import { release } from './release.ts';
import { repeat } from './repeat.ts';
import { scene } from './scene.ts';
import { send } from './send.ts';
import { set } from './set.ts';
import { stop } from './stop.ts';
import { wait } from './wait.ts';
import { webhook } from './webhook.ts';

export type { Action, Instruction } from './action.ts';

const TYPES = [
  ...[set, release, command, send, scene],
  ...[delay, wait],
  ...[ifElse, choose, repeat, parallel],
  ...[letValues, notify, webhook, alert, clear, stop],
] as readonly ActionType[];
const BY_NAME: ReadonlyMap<string, ActionType> = new Map(TYPES.map((one) => [one.type, one]));

export function typeOf({ type }: Action): ActionType {
  const found = BY_NAME.get(type);
  if (!found) throw new Error(`there is no action of the type "${type}"`);
  return found;
}

/** What an author writes; its output is the canonical form. */
const actions: z.ZodType<Action[]> = z.lazy(() => z.array(action).max(200));
export const action = z
  .union(TYPES.map(({ schema }) => schema(actions)))
  .meta({ id: 'Action' }) as z.ZodType<Action>;

/** How the texts of an action are read where a blueprint puts values into them; the others are templates. */
export const actionParts: ReadonlyMap<string, Part> = new Map(
  TYPES.flatMap(({ parts = {} }) => Object.entries(parts)),
);
