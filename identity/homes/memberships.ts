import type { IdentityChanges, Tell } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { HomeRole } from '../permissions.ts';
import type { Writing } from '../store/atomically.ts';
import { GenerationCache } from '../store/generation-cache.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { MembershipRow, OwnershipRow } from '../store/tables.ts';
import { endGifts, holdToGrant, isKeeper, shortenGifts } from './granting.ts';
import { hold } from './incarnations.ts';
import { assertTwinsStay, type Existence, type Moment } from './twin-life.ts';

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

export interface MembershipsOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
}

const REMEMBERED = 20_000;

/** Who belongs to which home, and as what. */
export class Memberships {
  readonly #options: MembershipsOptions;
  /** Memberships by person; each request asks for them. */
  readonly #known: GenerationCache<string, Map<string, Membership>>;

  constructor(options: MembershipsOptions) {
    const { clock, changes } = options;
    this.#options = options;
    this.#known = new GenerationCache({ name: 'memberships', clock, most: REMEMBERED });
    changes.subscribe((change) => {
      if (change.type === 'membership') this.#known.forget(change.person);
      if (change.type === 'unsure') this.#known.forgetAll();
    });
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
    const { database, clock, changes, existence } = this.#options;
    return await changes.commit(database, async (writing, tell) => {
      await holdPerson(writing, person);
      await hold(writing, home, { now: clock.now(), existence });
      await writing
        .insertInto('ownership')
        .values({ home, person, since: clock.now() })
        .onConflict((conflict) => conflict.column('home').doNothing())
        .execute();
      tell({ type: 'membership', home, person });
      return (await ownerOf(writing, home)) === person;
    });
  }

  /** @throws IdentityError `conflict` for a twin that is being deleted */
  async add(home: string, person: string, admission: Admission, by: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      await holdPerson(writing, person);
      await hold(writing, home, { now: clock.now(), existence });
      await admit(writing, { home, person, admission, by, now: clock.now(), existence }, tell);
    });
  }

  /**
   * Changes what a member is. There is one owner, who hands over by {@link transfer}.
   * @throws IdentityError `not-found`, `conflict`; `forbidden` for who may not any more
   */
  async change(home: string, person: string, admission: Admission, by: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    const { role, twins, until } = admission;
    const now = clock.now();
    await changes.commit(database, async (writing, tell) => {
      await holdToGrant(writing, { home, by, now, existence });
      await assertNoOwner(writing, home, person);
      await assertTwinsStay(
        writing,
        home,
        twins.map((twin) => ({ twin })),
        { now, existence },
      );
      await writing
        .updateTable('membership')
        .set({ role, twins: JSON.stringify(twins), until })
        .where('home', '=', home)
        .where('person', '=', person)
        .execute();
      if (!isKeeper(role)) await endGifts(writing, { person, home, now }, tell);
      else if (until !== null) await shortenGifts(writing, { person, home, until }, tell);
      tell({ type: 'membership', home, person });
    });
  }

  /**
   * What they have given others in the home (keys, invitations, claim codes) ends, too.
   * @throws IdentityError `not-found`; `conflict` for the owner; `forbidden` for who may not any more
   */
  async remove(home: string, person: string, by: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    const now = clock.now();
    await changes.commit(database, async (writing, tell) => {
      if (by === `person:${person}`) await hold(writing, home, { now, existence });
      else await holdToGrant(writing, { home, by, now, existence });
      await assertNoOwner(writing, home, person);
      await writing
        .deleteFrom('membership')
        .where('home', '=', home)
        .where('person', '=', person)
        .execute();
      await endGifts(writing, { person, home, now }, tell);
      tell({ type: 'membership', home, person });
    });
  }

  /**
   * Makes another member the owner, and the owner an admin.
   * @throws IdentityError `not-found`; `forbidden` for who does not own it any more
   */
  async transfer(home: string, to: string, by: string): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    const now = clock.now();
    await changes.commit(database, async (writing, tell) => {
      await holdToGrant(writing, { home, by, now, existence, role: 'owner' });
      const owner = await ownerOf(writing, home);
      if (owner === to) return;
      await mustFind(writing, home, to);
      if (owner !== null) {
        const admission = { role: 'admin' as const, twins: [], until: null };
        await admit(writing, { home, person: owner, admission, by: to, now, existence }, tell);
      }
      await writing
        .updateTable('ownership')
        .set({ person: to, since: now })
        .where('home', '=', home)
        .execute();
      tell({ type: 'membership', home, person: to });
    });
  }

  async #of(person: string): Promise<Map<string, Membership>> {
    return await this.#known.get(person, async () => {
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
      return all;
    });
  }
}

/** Writes a membership in place of the one before. The home is held. */
export async function admit(
  writing: Writing,
  who: Moment & { home: string; person: string; admission: Admission; by: string },
  tell: Tell,
): Promise<void> {
  const { home, person, admission, by, now, existence } = who;
  await assertTwinsStay(
    writing,
    home,
    admission.twins.map((twin) => ({ twin })),
    { now, existence },
  );
  const row: MembershipRow = {
    ...{ home, person, role: admission.role, until: admission.until },
    twins: JSON.stringify(admission.twins),
    ...{ addedBy: by, addedAt: now },
  };
  await writing
    .insertInto('membership')
    .values(row)
    .onConflict((conflict) => conflict.columns(['home', 'person']).doUpdateSet(row))
    .execute();
  tell({ type: 'membership', home, person });
}

async function ownerOf(writing: Writing, home: string): Promise<string | null> {
  const row = await writing
    .selectFrom('ownership')
    .select('person')
    .where('home', '=', home)
    .executeTakeFirst();
  return row?.person ?? null;
}

async function mustFind(writing: Writing, home: string, person: string): Promise<void> {
  const row = await writing
    .selectFrom('membership')
    .select('person')
    .where('home', '=', home)
    .where('person', '=', person)
    .executeTakeFirst();
  if (!row) throw new IdentityError('not-found', 'there is no such member of this home');
}

async function assertNoOwner(writing: Writing, home: string, person: string): Promise<void> {
  if ((await ownerOf(writing, home)) === person) {
    throw new IdentityError('conflict', 'this is the home’s owner', {
      hint: 'Hand the home over to somebody else first.',
    });
  }
  await mustFind(writing, home, person);
}

export function isOver({ until }: Pick<Membership, 'until'>, now: number): boolean {
  return until !== null && until <= now;
}

function toMembership(row: MembershipRow): Membership {
  const { home, person, role, until, addedAt } = row;
  return { home, person, role: role as HomeRole, twins: listOf(row.twins), until, addedAt };
}

function ofOwner({ home, person, since }: OwnershipRow): Membership {
  return { home, person, role: 'owner', twins: [], until: null, addedAt: since };
}

/** A list as it is stored. */
export function listOf(text: string | null): string[] {
  return text === null ? [] : (JSON.parse(text) as string[]);
}
