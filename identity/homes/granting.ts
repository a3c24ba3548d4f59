import type { Tell } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { Writing } from '../store/atomically.ts';
import type { HomeVersion } from './home-version.ts';
import { hold } from './incarnations.ts';
import type { Moment } from './twin-life.ts';

/** What somebody may give who may give it now. */
export interface Grant extends HomeVersion {
  /** Their own right ends then, and with it what they give; epoch ms, null: for good. */
  until: number | null;
}

const KEEPERS: ReadonlySet<string> = new Set(['owner', 'admin']);

/**
 * Holds a home, and whoever gives a right in it, until the transaction ends. Between the request and this, they may
 * have been removed, or the home may be another one.
 * @param by as `principal.ts` names them
 * @param role what they must be, if they are a person; `platform` may always
 * @throws IdentityError `forbidden`, `conflict` for a home that is being deleted
 */
export async function holdToGrant(
  writing: Writing,
  { home, by, role, ...moment }: Moment & { home: string; by: string; role?: 'owner' },
): Promise<Grant> {
  const { now } = moment;
  const [type, id = ''] = by.split(/:(.*)/s);
  const person = type === 'person' ? await holdPerson(writing, id) : undefined;
  const version = await hold(writing, home, moment);
  if (type === 'key' && !(await isKeyGood(writing, id))) throw tooLate();
  if (type !== 'person') return { ...version, until: null };
  if (!person || person.lockedAt !== null) throw tooLate();
  if (person.isAdmin === 1) return { ...version, until: null };
  const standing = await standingOf(writing, home, id);
  const isOver = standing?.until != null && standing.until <= now;
  const isEnough =
    role === 'owner' ? standing?.role === 'owner' : KEEPERS.has(standing?.role ?? '');
  if (!standing || isOver || !isEnough) throw tooLate();
  return { ...version, until: standing.until };
}

/**
 * What somebody has given others ends with the right to give it: their API keys, invitations and claim codes.
 * @param home null: in all homes, and on the platform
 */
export async function endGifts(
  writing: Writing,
  { person, home, now }: { person: string; home: string | null; now: number },
  tell: Tell,
): Promise<void> {
  const madeBy = `person:${person}`;
  let keys = writing
    .updateTable('apiKey')
    .set({ revokedAt: now })
    .where('madeBy', '=', madeBy)
    .where('revokedAt', 'is', null);
  let invitations = writing.deleteFrom('invitation').where('madeBy', '=', madeBy);
  let codes = writing.deleteFrom('claimCode').where('madeBy', '=', madeBy);
  if (home !== null) {
    keys = keys.where('home', '=', home);
    invitations = invitations.where('home', '=', home);
    codes = codes.where('home', '=', home);
  }
  for (const { id } of await keys.returning('id').execute()) tell({ type: 'key-changed', key: id });
  await invitations.execute();
  await codes.execute();
}

/** Somebody runs the platform no more: what they gave there, and in homes that are none of theirs, ends. */
export async function endGiftsOfPlatform(
  writing: Writing,
  { person, now }: { person: string; now: number },
  tell: Tell,
): Promise<void> {
  const madeBy = `person:${person}`;
  const platform = await writing
    .updateTable('apiKey')
    .set({ revokedAt: now })
    .where('madeBy', '=', madeBy)
    .where('home', 'is', null)
    .where('revokedAt', 'is', null)
    .returning('id')
    .execute();
  for (const { id } of platform) tell({ type: 'key-changed', key: id });
  const homes = new Set<string>();
  for (const table of ['apiKey', 'invitation', 'claimCode'] as const) {
    const rows = await writing
      .selectFrom(table as 'apiKey')
      .select('home')
      .where('madeBy', '=', madeBy)
      .execute();
    for (const { home } of rows) if (home !== null) homes.add(home);
  }
  for (const home of homes) {
    const standing = await standingOf(writing, home, person);
    if (!KEEPERS.has(standing?.role ?? '')) await endGifts(writing, { person, home, now }, tell);
  }
}

/** Keys and invitations that somebody made end no later than their own right does. */
export async function shortenGifts(
  writing: Writing,
  { person, home, until }: { person: string; home: string; until: number },
  tell: Tell,
): Promise<void> {
  const shorten = (table: 'apiKey' | 'invitation') =>
    writing
      .updateTable(table as 'apiKey')
      .set({ expiresAt: until })
      .where('madeBy', '=', `person:${person}`)
      .where('home', '=', home)
      .where((is) => is.or([is('expiresAt', 'is', null), is('expiresAt', '>', until)]))
      .returning('id')
      .execute();
  for (const { id } of await shorten('apiKey')) tell({ type: 'key-changed', key: id });
  await shorten('invitation');
}

export function isKeeper(role: string): boolean {
  return KEEPERS.has(role);
}

export async function standingOf(
  writing: Writing,
  home: string,
  person: string,
): Promise<{ role: string; until: number | null } | undefined> {
  const owner = await writing
    .selectFrom('ownership')
    .select('person')
    .where('home', '=', home)
    .where('person', '=', person)
    .executeTakeFirst();
  if (owner) return { role: 'owner', until: null };
  return await writing
    .selectFrom('membership')
    .select(['role', 'until'])
    .where('home', '=', home)
    .where('person', '=', person)
    .executeTakeFirst();
}

async function isKeyGood(writing: Writing, id: string): Promise<boolean> {
  const row = await writing
    .selectFrom('apiKey')
    .select('id')
    .where('id', '=', id)
    .where('revokedAt', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

function tooLate(): IdentityError {
  return new IdentityError('forbidden', 'you may not do this any more');
}
