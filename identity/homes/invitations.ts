import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { keyOf } from '../people/accounts.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { HomeRole } from '../permissions.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { InvitationRow } from '../store/tables.ts';
import { holdToGrant, standingOf } from './granting.ts';
import { assertRoom, type HomeQuota } from './home-quota.ts';
import { hold } from './incarnations.ts';
import { type Admission, admit, isOver, listOf, type Membership } from './memberships.ts';
import { assertTwinsStay, type Existence } from './twin-life.ts';

export interface Invitation extends Admission {
  id: string;
  home: string;
  email: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface InvitationsOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
}

const DAY_MS = 24 * 60 * 60_000;
export const INVITATION_DAYS = 7;
/** The most invitations of a home that nobody has taken yet: each is looked at when one of its twins is deleted. */
const QUOTA: HomeQuota = { quota: 'invitations', mostOf: () => 100 };

/** How people come into a home. An invitation ends when whoever made it may invite no more. */
export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * @returns the invitation and its code, which is not to be had again
   * @throws IdentityError `forbidden` for who may not any more; `quota-exceeded`
   */
  async make(
    home: string,
    admission: Admission,
    { email, by }: { email: string | null; by: string },
  ): Promise<{ invitation: Invitation; code: string }> {
    const { database, clock, newId, changes, existence } = this.#options;
    const code = newLongCode(4);
    const now = clock.now();
    const row: InvitationRow = {
      ...{ id: newId(), home, codeHash: hashOf(code), role: admission.role },
      ...{ twins: JSON.stringify(admission.twins), until: admission.until },
      ...{ email, emailKey: email === null ? null : keyOf(email) },
      ...{ madeBy: by, createdAt: now, expiresAt: now + INVITATION_DAYS * DAY_MS },
    };
    const made = await changes.commit(database, async (writing) => {
      const { until } = await holdToGrant(writing, { home, by, now, existence });
      await assertTwinsStay(
        writing,
        home,
        admission.twins.map((twin) => ({ twin })),
        { now, existence },
      );
      await assertFew(writing, home, now);
      const expiresAt = Math.min(row.expiresAt, until ?? row.expiresAt);
      const whole = { ...row, expiresAt };
      await writing.insertInto('invitation').values(whole).execute();
      return whole;
    });
    return { invitation: toInvitation(made), code };
  }

  async list(home: string): Promise<Invitation[]> {
    const { database, clock } = this.#options;
    const rows = await database
      .selectFrom('invitation')
      .selectAll()
      .where('home', '=', home)
      .where('expiresAt', '>', clock.now())
      .orderBy('createdAt', 'desc')
      .execute();
    return rows.map(toInvitation);
  }

  /** @throws IdentityError `not-found` */
  async withdraw(home: string, id: string): Promise<void> {
    const { numDeletedRows } = await this.#options.database
      .deleteFrom('invitation')
      .where('home', '=', home)
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw new IdentityError('not-found', `there is no invitation ${id}`);
  }

  /**
   * Takes an invitation, which is gone then. One that was sent to an address is for its owner.
   * @throws IdentityError `bad-credentials`; `conflict` for who belongs there already
   */
  async accept(code: string, person: string): Promise<Membership> {
    const { database, clock, changes, existence } = this.#options;
    const codeHash = hashOf(readLongCode(code));
    const now = clock.now();
    return await changes.commit(database, async (writing, tell) => {
      const who = await holdPerson(writing, person);
      const found = await writing
        .selectFrom('invitation')
        .selectAll()
        .where('codeHash', '=', codeHash)
        .executeTakeFirst();
      const isTheirs =
        found &&
        who?.lockedAt === null &&
        (found.emailKey === null || found.emailKey === who.emailKey);
      if (!isTheirs) throw wrongInvitation();
      const { home, madeBy } = found;
      await hold(writing, home, { now, existence });
      // Read before the home was held: a twin may have been struck from it, or somebody else been quicker
      const taken = await writing
        .deleteFrom('invitation')
        .where('codeHash', '=', codeHash)
        .where('expiresAt', '>', now)
        .returningAll()
        .executeTakeFirst();
      if (!taken) throw wrongInvitation();
      const standing = await standingOf(writing, home, person);
      if (standing && !isOver(standing, now)) {
        throw new IdentityError('conflict', 'you belong to this home already');
      }
      const { role, twins, until } = toInvitation(taken);
      if (until !== null && until <= now) throw wrongInvitation();
      const admission = { role, twins, until };
      await admit(writing, { home, person, admission, by: madeBy, now, existence }, tell);
      return { home, person, role, twins: [...twins], until, addedAt: now };
    });
  }
}

/** @throws IdentityError `quota-exceeded` */
async function assertFew(writing: Writing, home: string, now: number): Promise<void> {
  await writing
    .deleteFrom('invitation')
    .where('home', '=', home)
    .where('expiresAt', '<=', now)
    .execute();
  const rows = await writing
    .selectFrom('invitation')
    .select('id')
    .where('home', '=', home)
    .execute();
  assertRoom(QUOTA, home, rows.length, 'Withdraw some that nobody has taken.');
}

function toInvitation(row: InvitationRow): Invitation {
  const { id, home, role, until, email, createdAt, expiresAt } = row;
  const twins = listOf(row.twins);
  return { id, home, role: role as HomeRole, twins, until, email, createdAt, expiresAt };
}

function wrongInvitation(): IdentityError {
  return new IdentityError('bad-credentials', 'there is no such invitation, or not any more', {
    hint: 'Ask for a new one.',
  });
}
