import { IdentityError } from '../errors.ts';
import type { Writing } from '../store/atomically.ts';

/** What the engine has. Asked while the home is held: what it has then, nobody deletes before that is over. */
export interface Existence {
  hasHome: (home: string) => Promise<boolean>;
  /** Tells a twin from a former and a later one of its id; null: there is none. */
  incarnationOf: (address: { home: string; twin: string }) => Promise<string | null>;
}

/** A twin, and where one has been looked at before, which. */
export interface TwinLife {
  home: string;
  twin: string;
  /** Absent: whichever is there now. */
  incarnation?: string | undefined;
}

/** When something is granted, and what is there then. */
export interface Moment {
  now: number;
  existence: Existence;
}

/** A making or a deletion of which nobody has heard for so long has broken off. */
export const BROKEN_OFF_MS = 5 * 60_000;

/**
 * Nothing about a twin is granted while it is being deleted, or when there is none, or when it is not the one that was
 * looked at before. The home is held.
 * @returns its incarnation
 * @throws IdentityError `conflict`
 */
export async function assertTwinStays(
  writing: Writing,
  { incarnation, ...address }: TwinLife,
  { now, existence }: Moment,
): Promise<string> {
  const closing = await writing
    .selectFrom('closingTwin')
    .select('twin')
    .where((is) => is.and(address))
    .where('since', '>', now - BROKEN_OFF_MS)
    .executeTakeFirst();
  if (closing) {
    throw new IdentityError('conflict', `${address.home}/${address.twin} is being deleted`);
  }
  const present = await existence.incarnationOf(address);
  if (present !== null && incarnation !== undefined && present !== incarnation) {
    const twin = `${address.home}/${address.twin}`;
    throw new IdentityError('conflict', `${twin} was deleted, and there is another one by now`, {
      hint: 'Look at it, and ask again if you mean that one.',
    });
  }
  if (present !== null) return present;
  throw new IdentityError('conflict', `there is no twin ${address.home}/${address.twin}`, {
    hint: 'Make it first.',
  });
}
