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
  life: TwinLife,
  moment: Moment,
): Promise<string> {
  const [incarnation = ''] = await assertTwinsStay(writing, life.home, [life], moment);
  return incarnation;
}

/**
 * The same of several twins of a home, at the cost of one statement.
 * @returns their incarnations
 * @throws IdentityError `conflict`
 */
export async function assertTwinsStay(
  writing: Writing,
  home: string,
  lives: readonly Omit<TwinLife, 'home'>[],
  { now, existence }: Moment,
): Promise<string[]> {
  const incarnations: string[] = [];
  if (lives.length === 0) return incarnations;
  const rows = await writing
    .selectFrom('closingTwin')
    .select('twin')
    .where('home', '=', home)
    .where('since', '>', now - BROKEN_OFF_MS)
    .execute();
  const closing = new Set(rows.map(({ twin }) => twin));
  for (const life of lives) {
    if (closing.has(life.twin)) {
      throw new IdentityError('conflict', `${home}/${life.twin} is being deleted`);
    }
    incarnations.push(await presentOf({ home, ...life }, existence));
  }
  return incarnations;
}

/** @returns the incarnation of the twin that is there @throws IdentityError `conflict` */
async function presentOf(
  { home, twin, incarnation }: TwinLife,
  existence: Existence,
): Promise<string> {
  const present = await existence.incarnationOf({ home, twin });
  if (present !== null && incarnation !== undefined && present !== incarnation) {
    throw new IdentityError(
      'conflict',
      `${home}/${twin} was deleted, and there is another one by now`,
      { hint: 'Look at it, and ask again if you mean that one.' },
    );
  }
  if (present !== null) return present;
  throw new IdentityError('conflict', `there is no twin ${home}/${twin}`, {
    hint: 'Make it first.',
  });
}
