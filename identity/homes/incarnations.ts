import type { IdentityChanges, Tell } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { Writing } from '../store/atomically.ts';
import { emptyHome, emptyTwin } from '../store/holdings.ts';
import { InTurn } from '../store/in-turn.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { HomeIncarnationRow } from '../store/tables.ts';
import type { HomeVersion } from './home-version.ts';
import { BROKEN_OFF_MS, type Existence, type Moment, type TwinLife } from './twin-life.ts';

export interface IncarnationsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
  existence: Existence;
  /** Homes that a person may own; 0: as many as they like. */
  mostOfPerson: number;
  /** What belonged to a home, or to a twin of it, is gone. */
  onEmptied: (
    writing: Writing,
    emptied: { what: 'home' | 'twin'; home: string; version: HomeVersion },
    tell: Tell,
  ) => Promise<void>;
}

/**
 * The lives of homes. An id may be taken again; rights and audit belong to one incarnation and end with it.
 * Every change of rights in a home holds its incarnation until the transaction ends, so none is granted
 * while the home is being deleted, or to a home that is another one by now.
 */
export class Incarnations {
  readonly #options: IncarnationsOptions;
  /** The deletions of twins, by `home/twin`. */
  readonly #deletions = new InTurn();

  constructor(options: IncarnationsOptions) {
    this.#options = options;
  }

  /**
   * Makes a home: its owner is stored first, and removed again when it cannot be made.
   * @param owner null: nobody yet
   * @param make makes it in the engine, which must not have it
   * @throws IdentityError `conflict` when somebody has it; whatever `make` throws
   */
  async make<T>(home: string, owner: string | null, make: () => Promise<T>): Promise<T> {
    const number = await this.#begin(home, owner);
    let made: T;
    try {
      made = await make();
    } catch (error) {
      await this.#undo(home, number);
      throw error;
    }
    const { database, clock } = this.#options;
    await database
      .updateTable('homeIncarnation')
      .set({ madeAt: clock.now() })
      .where('number', '=', number)
      .execute();
    return made;
  }

  /**
   * Deletes a home. Everyone's rights but the owner's end before the engine deletes it, so that the owner can try again
   * if that fails; the owner's rights end afterwards.
   * @param remove deletes it in the engine
   */
  async remove(home: string, remove: () => Promise<void>): Promise<void> {
    const { database, clock, changes } = this.#options;
    const { number } = await changes.commit(database, async (writing, tell) => {
      const version = await hold(writing, home, this.#moment(), 'even closing');
      await writing
        .updateTable('homeIncarnation')
        .set({ closingAt: clock.now() })
        .where('number', '=', version.number)
        .execute();
      await this.#empty(writing, home, version, tell, 'ownership');
      return version;
    });
    await remove();
    await this.#end(home, number);
  }

  /**
   * Deletes a twin: what somebody has of it ends before the engine deletes it, and nothing is granted until that is done.
   * @param remove deletes it in the engine
   * @throws IdentityError `not-found` for one that has been deleted meanwhile; whatever `remove` throws
   */
  async removeTwin(life: TwinLife, remove: () => Promise<void>): Promise<void> {
    // One that has failed must not open what another is about to close
    await this.#deletions.run(`${life.home}/${life.twin}`, () => this.#removeTwin(life, remove));
  }

  async #removeTwin(
    { incarnation, ...address }: TwinLife,
    remove: () => Promise<void>,
  ): Promise<void> {
    const { database, clock, changes, existence } = this.#options;
    const { home, twin } = address;
    const empty = (isOver: boolean) =>
      changes.commit(database, async (writing, tell) => {
        const version = isOver
          ? await take(writing, home)
          : await hold(writing, home, this.#moment(), 'even closing');
        // The home was deleted meanwhile, and all of it
        if (!version) return;
        const isOther =
          incarnation !== undefined && (await existence.incarnationOf(address)) !== incarnation;
        // Somebody else was quicker: a twin that is there now keeps what there is of it
        if (!isOver && isOther) {
          throw new IdentityError('not-found', `${home}/${twin} has been deleted already`);
        }
        await emptyTwin(writing, address, tell);
        await this.#options.onEmptied(writing, { what: 'twin', home, version }, tell);
        const row = { ...address, since: clock.now() };
        if (isOver) {
          await writing
            .deleteFrom('closingTwin')
            .where((is) => is.and(address))
            .execute();
        } else {
          await writing
            .insertInto('closingTwin')
            .values(row)
            .onConflict((conflict) => conflict.columns(['home', 'twin']).doUpdateSet(row))
            .execute();
        }
      });
    await empty(false);
    try {
      await remove();
    } catch (error) {
      await database
        .deleteFrom('closingTwin')
        .where((is) => is.and(address))
        .execute();
      throw error;
    }
    await empty(true);
  }

  /** Ends what broke off: of homes that the engine does not have, and that nobody makes at this moment. */
  async tidy(): Promise<void> {
    const { database, clock, existence } = this.#options;
    const before = clock.now() - BROKEN_OFF_MS;
    const rows = await database
      .selectFrom('homeIncarnation')
      .selectAll()
      .where('endedAt', 'is', null)
      .where((is) =>
        is.or([
          is('closingAt', '<', before),
          is.and([is('madeAt', 'is', null), is('beganAt', '<', before)]),
        ]),
      )
      .execute();
    for (const { home, number } of rows) {
      if (!(await existence.hasHome(home))) await this.#end(home, number);
    }
    await database.deleteFrom('closingTwin').where('since', '<', before).execute();
  }

  #moment(): Moment {
    const { clock, existence } = this.#options;
    return { now: clock.now(), existence };
  }

  async #begin(home: string, owner: string | null): Promise<number> {
    const { database, clock, changes } = this.#options;
    const now = clock.now();
    return await changes.commit(database, async (writing, tell) => {
      if (owner !== null) await this.#assertMayOwn(writing, owner);
      const present = await take(writing, home);
      if (present) {
        await assertFree(writing, present, now);
        await this.#finish(writing, present, tell);
      }
      const begun = await writing
        .insertInto('homeIncarnation')
        .values({ home, revision: 0, beganAt: now, madeAt: null, closingAt: null, endedAt: null })
        .onConflict((conflict) => conflict.doNothing())
        .returning('number')
        .executeTakeFirst();
      // Somebody else was quicker
      if (!begun) throw taken(home);
      if (owner !== null) {
        await writing.insertInto('ownership').values({ home, person: owner, since: now }).execute();
        tell({ type: 'membership', home, person: owner });
      }
      return begun.number;
    });
  }

  /** @throws IdentityError `not-found`, `quota-exceeded` */
  async #assertMayOwn(writing: Writing, person: string): Promise<void> {
    const { mostOfPerson } = this.#options;
    const held = await holdPerson(writing, person);
    if (!held) throw new IdentityError('not-found', 'there is no such person');
    if (mostOfPerson === 0 || held.isAdmin === 1) return;
    const owned = await writing
      .selectFrom('ownership')
      .select('home')
      .where('person', '=', person)
      .limit(mostOfPerson)
      .execute();
    if (owned.length < mostOfPerson) return;
    throw new IdentityError('quota-exceeded', `a person owns ${mostOfPerson} homes at most`, {
      hint: 'Delete one, or hand it over to somebody else.',
      quota: { quota: 'homes', limit: mostOfPerson, used: owned.length },
    });
  }

  /** It was not made. What cannot be undone now is undone by {@link tidy}, and keeps nobody from trying again later. */
  async #undo(home: string, number: number): Promise<void> {
    try {
      await this.#end(home, number);
    } catch (error) {
      if (!(error instanceof IdentityError && error.code === 'unavailable')) throw error;
    }
  }

  /** Ends an incarnation, if it has not ended yet. */
  async #end(home: string, number: number): Promise<void> {
    const { database, changes } = this.#options;
    await changes.commit(database, async (writing, tell) => {
      const present = await take(writing, home);
      if (present?.number !== number) return;
      await this.#finish(writing, present, tell);
    });
  }

  async #finish(
    writing: Writing,
    { home, number, revision }: HomeIncarnationRow,
    tell: Tell,
  ): Promise<void> {
    const version = { number, revision: revision + 1 };
    await this.#empty(writing, home, version, tell);
    await writing
      .updateTable('homeIncarnation')
      .set({ revision: version.revision, endedAt: this.#options.clock.now() })
      .where('number', '=', number)
      .execute();
  }

  async #empty(
    writing: Writing,
    home: string,
    version: HomeVersion,
    tell: Tell,
    except?: 'ownership',
  ): Promise<void> {
    await emptyHome(writing, home, tell, except);
    await this.#options.onEmptied(writing, { what: 'home', home, version }, tell);
  }
}

/**
 * Holds a home until the transaction ends. A home that identity does not know yet, as its devices have made it, begins here.
 * @param when `open`: to grant something
 * @throws IdentityError `conflict` for a home that is being deleted
 */
export async function hold(
  writing: Writing,
  home: string,
  moment: Moment,
  when: 'open' | 'even closing' = 'open',
): Promise<HomeVersion> {
  const held = (await take(writing, home)) ?? (await meet(writing, home, moment));
  if (when === 'open' && held.closingAt !== null) {
    throw new IdentityError('conflict', `the home ${home} is being deleted`, {
      hint: 'If its deletion has failed, delete it again.',
    });
  }
  return { number: held.number, revision: held.revision };
}

async function take(writing: Writing, home: string): Promise<HomeIncarnationRow | undefined> {
  return await writing
    .updateTable('homeIncarnation')
    .set((row) => ({ revision: row('revision', '+', 1) }))
    .where('home', '=', home)
    .where('endedAt', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

async function meet(
  writing: Writing,
  home: string,
  { now, existence }: Moment,
): Promise<HomeIncarnationRow> {
  if (!(await existence.hasHome(home))) {
    throw new IdentityError('conflict', `there is no home ${home}`);
  }
  await writing
    .insertInto('homeIncarnation')
    .values({ home, revision: 0, beganAt: now, madeAt: now, closingAt: null, endedAt: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const met = await take(writing, home);
  if (met) return met;
  throw new IdentityError('conflict', `the home ${home} is being deleted`);
}

/** A home that the engine does not have is free when nobody makes it now and nobody owns it. */
async function assertFree(
  writing: Writing,
  { home, beganAt, madeAt, closingAt }: HomeIncarnationRow,
  now: number,
): Promise<void> {
  const isBeingMade = madeAt === null && closingAt === null;
  if (isBeingMade && beganAt > now - BROKEN_OFF_MS) throw taken(home);
  if (isBeingMade || closingAt !== null) return;
  const owner = await writing
    .selectFrom('ownership')
    .select('person')
    .where('home', '=', home)
    .executeTakeFirst();
  if (owner) throw taken(home);
}

function taken(home: string): IdentityError {
  return new IdentityError('conflict', `there is a home ${home} already`);
}
