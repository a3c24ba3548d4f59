/**
 * Ids of what turns do: effects, deadlines, observations. They are made of the twin's address and revision, so
 * that a turn that is folded again gives the same ones; and of its life, so that no id comes twice with another
 * meaning: not after the twin was deleted and made anew, and not after the database went back to a backup.
 */
import { type Address, idHash } from './envelope.ts';

/** Turns of one incarnation of a twin, folded under one epoch of the database. Empty: before there were lives. */
export type Life = string;

/**
 * @param incarnation of the twin; empty for one from before there were any
 * @param epoch of the database when the turn is folded; 0 for turns from before it was journaled
 */
export function lifeOf(incarnation: string, epoch: number): Life {
  return epoch === 0 ? '' : idHash(`${incarnation}:${epoch}`);
}

/** `home/twin@revision.life`: a turn, in ids. */
function turnId({ home, twin }: Address, revision: number, life: Life): string {
  return life === '' ? `${home}/${twin}@${revision}` : `${home}/${twin}@${revision}.${life}`;
}

/** `home/twin@revision.life#n`: the n-th effect of a turn. */
export function effectId(address: Address, revision: number, life: Life, n: number | 'desired') {
  return `${turnId(address, revision, life)}#${n}`;
}

/** A deadline that leads to this turn. */
export function deadlineId(address: Address, revision: number, life: Life, what: string): string {
  return `${turnId(address, revision, life)}!${what}`;
}

/** What tells a watcher of this turn. */
export function observedId(address: Address, revision: number, life: Life, watcher: string) {
  return `${turnId(address, revision, life)}>${watcher}`;
}

const EFFECT_OR_OBSERVED = /^([A-Za-z0-9][\w.-]*)\/([A-Za-z0-9][\w.-]*)@(\d+)(?:\.([\w-]+))?[#>]/;

/** The turn that an effect or an observation is of; null for any other id. */
export function turnOfId(id: string): (Address & { revision: number; life: Life }) | null {
  const found = EFFECT_OR_OBSERVED.exec(id);
  if (!found) return null;
  const [, home = '', twin = '', revision, life = ''] = found;
  return { home, twin, revision: Number(revision), life };
}
