/** A part of a kit: what the kit gives a home, and whether it is still as it was given. */
import type { Json, JsonObject } from '../../../engine/kind.ts';
import type { Blueprint } from '../blueprints/blueprint-definition.ts';
import { isSame } from '../language/same.ts';
import type { Origin } from '../model/origin.ts';
import type { Definition } from '../rule-definition.ts';

/** What a part is. Scenes and plans are twins like others. */
export type KitPart =
  | {
      type: 'twin';
      kind: string;
      name?: string;
      room?: string;
      settings?: JsonObject;
      desired?: JsonObject;
    }
  | { type: 'blueprint'; definition: Blueprint }
  | { type: 'rule'; definition: Definition; origin?: Omit<Origin, 'edition'> };

export type Part = {
  id: string;
  /** What the kit wants it to be; absent: it is to go. */
  given?: KitPart;
  /** What the kit gave it before; absent: it is new. */
  former?: KitPart;
  /** It was there before the kit, stays as it is, and is not removed. */
  existing?: true;
  /** Somebody has changed it since, so the kit let it be. */
  kept?: true;
};

/** A twin of the home, as far as a kit has to do with it. */
export type Found =
  | { type: 'twin'; kind: string; name: string; room: string | null; settings: JsonObject }
  | { type: 'blueprint'; definition: Blueprint | null }
  /** `edition` of the blueprint that it is made from. */
  | { type: 'rule'; definition: Definition | null; edition: number | null };

/** Whether a twin is as it was given, in all that was said of it. */
export function isAsGiven(found: Found, given: KitPart): boolean {
  if (found.type === 'twin' || given.type === 'twin') return isTwinAsGiven(found, given);
  return (
    found.type === given.type &&
    isSame(found.definition as unknown as Json, given.definition as unknown as Json)
  );
}

function isTwinAsGiven(found: Found, given: KitPart): boolean {
  if (found.type !== 'twin' || given.type !== 'twin') return false;
  if (found.kind !== given.kind) return false;
  return saidOf(given).every(([key, value]) => isSame(valueIn(found, key), value));
}

/** Whether somebody else has been at it: some of it is neither as it was given nor as it is to be. */
export function isChanged(found: Found, former: KitPart, given?: KitPart): boolean {
  if (found.type !== 'twin' || former.type !== 'twin')
    return !isAsGiven(found, former) && !(given && isAsGiven(found, given));
  const next = new Map(given?.type === 'twin' ? saidOf(given) : []);
  return (
    found.kind !== former.kind ||
    saidOf(former).some(
      ([key, value]) =>
        !isSame(valueIn(found, key), value) && !isSame(valueIn(found, key), next.get(key)),
    )
  );
}

type GivenTwin = Extract<KitPart, { type: 'twin' }>;

function saidOf({ name, room, settings = {} }: GivenTwin): [string, Json][] {
  return [
    ...(name === undefined ? [] : [['name', name] as [string, Json]]),
    ...(room === undefined ? [] : [['room', room] as [string, Json]]),
    ...Object.entries(settings).map(([key, value]): [string, Json] => [`settings.${key}`, value]),
  ];
}

function valueIn(
  { name, room, settings }: Extract<Found, { type: 'twin' }>,
  key: string,
): Json | undefined {
  if (key === 'name') return name;
  return key === 'room' ? room : settings[key.slice('settings.'.length)];
}
