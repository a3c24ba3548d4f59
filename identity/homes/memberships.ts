import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import type { HomeRole } from '../permissions.ts';
import { hashOf, newLongCode, readLongCode } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { InvitationRow, MembershipRow, OwnershipRow } from '../store/tables.ts';

export interface Membership {
  home: string;
  person: string;
  role: HomeRole;
  /** A guest's own twins. */
  twins: string[];
  /** Epoch ms; null: for good. */
  until: number | null;
  addedAt: number;
}

export interface Member extends Membership {
  name: string;
  email: string;
}

/** What somebody is to become. */
export interface Admission {
  role: HomeRole;
  twins: readonly string[];
  until: number | null;
}

export interface Invitation extends Admission {
  id: string;
  home: string;
  email: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface MembershipsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
}

const DAY_MS = 24 * 60 * 60_000;
export const INVITATION_DAYS = 7;
const REMEMBERED = 20_000;

/** Who belongs to which home, and as what. */
export class Memberships {
  readonly #options: MembershipsOptions;
  /** Each request asks; one engine serves a database, so what is remembered here is so. */
  #known = new Map<string, Map<string, Membership>>();

  constructor(options: MembershipsOptions) {
    this.#options = options;
  }

  /** @returns null for who does not belong there, or not any more */
  async of(person: string, home: string): Promise<Membership | null> {
    const all = await this.#of(person);
    const found = all.get(home) ?? null;
    return found && isOver(found, this.#options.clock.now()) ? null : found;
  }

  /** Homes of a person, by id. */
  async homesOf(person: string): Promise<Membership[]> {
    const now = this.#options.clock.now();
    const all = [...(await this.#of(person)).values()].filter((one) => !isOver(one, now));
    return all.sort((one, other) => (one.home < other.home ? -1 : 1));
  }

  /** The owner first. */
  async membersOf(home: string): Promise<Member[]> {
    const { database } = this.#options;
    const owners = await database
      .selectFrom('ownership')
      .innerJoin('person', 'person.id', 'ownership.person')
      .selectAll('ownership')
      .select(['person.name', 'person.email'])
      .where('home', '=', home)
      .execute();
    const others = await database
      .selectFrom('membership')
      .innerJoin('person', 'person.id', 'membership.person')
      .selectAll('membership')
      .select(['person.name', 'person.email'])
      .where('home', '=', home)
      .orderBy('addedAt')
      .execute();
    const all = [
      ...owners.map(({ name, email, ...row }) => ({ ...ofOwner(row), name, email })),
      ...others.map(({ name, email, ...row }) => ({ ...toMembership(row), name, email })),
    ];
    return all.filter(({ person }, at) => all.findIndex((one) => one.person === person) === at);
  }

  /** Makes somebody the owner of a home that has none. @returns whether they own it now */
  async found(home: string, person: string): Promise<boolean> {
    const { database, clock } = this.#options;
    await database
      .insertInto('ownership')
      .values({ home, person, since: clock.now() })
      .onConflict((conflict) => conflict.column('home').doNothing())
      .execute();
    this.#changed(home, person);
    return (await this.#ownerOf(home)) === person;
  }

  async add(home: string, person: string, admission: Admission, by: string): Promise<void> {
    const { database, clock } = this.#options;
    const row: MembershipRow = {
      ...{ home, person, role: admission.role, until: admission.until },
      twins: JSON.stringify(admission.twins),
      ...{ addedBy: by, addedAt: clock.now() },
    };
    await database
      .insertInto('membership')
      .values(row)
      .onConflict((conflict) => conflict.columns(['home', 'person']).doUpdateSet(row))
      .execute();
    this.#changed(home, person);
  }

  /**
   * Changes what a member is. There is one owner, who hands over by {@link transfer}.
   * @throws IdentityError `not-found`, `conflict`
   */
  async change(home: string, person: string, admission: Admission): Promise<void> {
    const { database } = this.#options;
    await this.#assertNoOwner(home, person);
    await database
      .updateTable('membership')
      .set({
        role: admission.role,
        twins: JSON.stringify(admission.twins),
        until: admission.until,
      })
      .where('home', '=', home)
      .where('person', '=', person)
      .execute();
    this.#changed(home, person);
  }

  /** @throws IdentityError `not-found`, `conflict` for the owner */
  async remove(home: string, person: string): Promise<void> {
    await this.#assertNoOwner(home, person);
    await this.#options.database
      .deleteFrom('membership')
      .where('home', '=', home)
      .where('person', '=', person)
      .execute();
    this.#changed(home, person);
  }

  /** Makes another member the owner, and the owner an admin. @throws IdentityError `not-found` */
  async transfer(home: string, to: string): Promise<void> {
    const { database, clock } = this.#options;
    const owner = await this.#ownerOf(home);
    if (owner === to) return;
    await this.#mustFind(home, to);
    if (owner !== null) await this.add(home, owner, { role: 'admin', twins: [], until: null }, to);
    await database
      .updateTable('ownership')
      .set({ person: to, since: clock.now() })
      .where('home', '=', home)
      .execute();
    for (const person of [owner, to]) if (person !== null) this.#changed(home, person);
  }

  // ── invitations ────────────────────────────────────────────────────────────────────────────

  /** @returns the invitation and its code, which is not to be had again */
  async invite(
    home: string,
    admission: Admission,
    { email, by }: { email: string | null; by: string },
  ): Promise<{ invitation: Invitation; code: string }> {
    const { database, clock, newId } = this.#options;
    const code = newLongCode(4);
    const now = clock.now();
    const row: InvitationRow = {
      ...{ id: newId(), home, codeHash: hashOf(code), role: admission.role },
      ...{ twins: JSON.stringify(admission.twins), until: admission.until, email },
      ...{ madeBy: by, createdAt: now, expiresAt: now + INVITATION_DAYS * DAY_MS },
    };
    await database.insertInto('invitation').values(row).execute();
    return { invitation: toInvitation(row), code };
  }

  async invitationsOf(home: string): Promise<Invitation[]> {
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
   * Takes an invitation, which is gone then.
   * @param email of who takes it: one that was sent to an address is for its owner
   * @throws IdentityError `bad-credentials`; `conflict` for who belongs there already
   */
  async accept(code: string, person: string, email: string): Promise<Membership> {
    const { database, clock } = this.#options;
    const codeHash = hashOf(readLongCode(code));
    const found = await database
      .selectFrom('invitation')
      .selectAll()
      .where('codeHash', '=', codeHash)
      .where('expiresAt', '>', clock.now())
      .executeTakeFirst();
    const isTheirs =
      found && (found.email === null || found.email.toLowerCase() === email.toLowerCase());
    if (!isTheirs) throw wrongInvitation();
    if (await this.of(person, found.home)) {
      throw new IdentityError('conflict', 'you belong to this home already');
    }
    const { numDeletedRows } = await database
      .deleteFrom('invitation')
      .where('codeHash', '=', codeHash)
      .executeTakeFirst();
    // Somebody else was quicker
    if (numDeletedRows === 0n) throw wrongInvitation();
    const { role, twins, until } = toInvitation(found);
    await this.add(found.home, person, { role, twins, until }, found.madeBy);
    const made = await this.of(person, found.home);
    if (!made) throw wrongInvitation();
    return made;
  }

  /** The home is gone. */
  async forget(home: string): Promise<void> {
    const { database } = this.#options;
    const members = await this.membersOf(home);
    await database.deleteFrom('invitation').where('home', '=', home).execute();
    await database.deleteFrom('membership').where('home', '=', home).execute();
    await database.deleteFrom('ownership').where('home', '=', home).execute();
    for (const { person } of members) this.#changed(home, person);
  }

  async #ownerOf(home: string): Promise<string | null> {
    const row = await this.#options.database
      .selectFrom('ownership')
      .select('person')
      .where('home', '=', home)
      .executeTakeFirst();
    return row?.person ?? null;
  }

  async #mustFind(home: string, person: string): Promise<MembershipRow> {
    const row = await this.#options.database
      .selectFrom('membership')
      .selectAll()
      .where('home', '=', home)
      .where('person', '=', person)
      .executeTakeFirst();
    if (row) return row;
    throw new IdentityError('not-found', 'there is no such member of this home');
  }

  async #assertNoOwner(home: string, person: string): Promise<void> {
    if ((await this.#ownerOf(home)) === person) {
      throw new IdentityError('conflict', 'this is the home’s owner', {
        hint: 'Hand the home over to somebody else first.',
      });
    }
    await this.#mustFind(home, person);
  }

  async #of(person: string): Promise<Map<string, Membership>> {
    const known = this.#known.get(person);
    if (known) return known;
    const { database } = this.#options;
    const rows = await database
      .selectFrom('membership')
      .selectAll()
      .where('person', '=', person)
      .execute();
    const owned = await database
      .selectFrom('ownership')
      .selectAll()
      .where('person', '=', person)
      .execute();
    const all = new Map(rows.map((row) => [row.home, toMembership(row)]));
    for (const row of owned) all.set(row.home, ofOwner(row));
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(person, all);
    return all;
  }

  #changed(home: string, person: string): void {
    this.#known.delete(person);
    this.#options.changes.publish({ type: 'membership', home, person });
  }
}

function isOver({ until }: Membership, now: number): boolean {
  return until !== null && until <= now;
}

function toMembership(row: MembershipRow): Membership {
  const { home, person, role, until, addedAt } = row;
  return { home, person, role: role as HomeRole, twins: listOf(row.twins), until, addedAt };
}

function ofOwner({ home, person, since }: OwnershipRow): Membership {
  return { home, person, role: 'owner', twins: [], until: null, addedAt: since };
}

function toInvitation(row: InvitationRow): Invitation {
  const { id, home, role, until, email, createdAt, expiresAt } = row;
  const twins = listOf(row.twins);
  return { id, home, role: role as HomeRole, twins, until, email, createdAt, expiresAt };
}

function listOf(text: string | null): string[] {
  return text === null ? [] : (JSON.parse(text) as string[]);
}

function wrongInvitation(): IdentityError {
  return new IdentityError('bad-credentials', 'there is no such invitation, or not any more', {
    hint: 'Ask for a new one.',
  });
}
