import type { Selectable } from 'kysely';
import type { IdentityChanges, Tell } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { hashOf, newSecret } from '../secrets.ts';
import { atomically, type Writing } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { RefreshTokenRow, SessionRow } from '../store/tables.ts';
import { ACCESS_TOKEN_MS, type AccessTokens } from './access-tokens.ts';

type RefreshTokenOf = Selectable<RefreshTokenRow>;

/** Whose session: a person's app, or a gateway. */
export type Holder = { person: string; isAdmin: boolean } | { gateway: string; home: string };

/** Where a request comes from. */
export interface From {
  address: string | null;
  deviceName?: string | undefined;
}

/** What whoever has signed in gets. */
export interface Grant {
  session: string;
  accessToken: string;
  /** Epoch ms. */
  accessExpiresAt: number;
  refreshToken: string;
  /** Epoch ms; each use puts it off. */
  refreshExpiresAt: number;
}

export interface SessionsOptions {
  database: IdentityDatabase;
  accessTokens: AccessTokens;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
  /** Holds whoever has the session until the transaction ends; null when they may not have it any more. */
  holdHolder: (writing: Writing, session: SessionRow) => Promise<Holder | null>;
  /** A refresh token has been used twice: one of the two has stolen it. */
  onReuse: (session: SessionRow, address: string | null) => Promise<void>;
}

/** A session that counts once its transaction is committed. */
export interface Opened {
  session: string;
  holder: Holder;
  refreshToken: string;
}

const DAY_MS = 24 * 60 * 60_000;
/** How long a session lives without being used. */
const SESSION_MS = 90 * DAY_MS;
/** How long the same token may ask again, for an answer that got lost. */
const GRACE_MS = 10_000;
const REFUSED = 'this refresh token is not valid any more';

/** Sessions: families of refresh tokens, each token used once. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** Sessions that ended while access tokens of theirs may be about, and when. */
  readonly #ended = new Map<string, number>();
  /** Null: the store may have more of them than are known here. */
  #loaded: Promise<void> | null = null;

  constructor(options: SessionsOptions) {
    this.#options = options;
    options.changes.subscribe((change) => {
      if (change.type === 'session-ended') this.#remember(change.session);
      if (change.type === 'unsure') this.#loaded = null;
    });
  }

  /** Whether its access tokens count no more; they last for minutes, this for a moment. */
  async isEnded(session: string): Promise<boolean> {
    this.#loaded ??= this.#load();
    try {
      await this.#loaded;
    } catch (error) {
      this.#loaded = null;
      throw error;
    }
    return this.#ended.has(session);
  }

  async begin(holder: Holder, from: From): Promise<Grant> {
    const { database } = this.#options;
    return await this.grant(
      await atomically(database, (writing) => this.open(writing, holder, from)),
    );
  }

  /** Begins a session in a transaction that has looked at who gets it. {@link grant} it when that is committed. */
  async open(writing: Writing, holder: Holder, from: From): Promise<Opened> {
    const { clock, newId } = this.#options;
    const now = clock.now();
    const session = newId();
    await writing
      .insertInto('session')
      .values({
        id: session,
        person: 'person' in holder ? holder.person : null,
        gateway: 'gateway' in holder ? holder.gateway : null,
        deviceName: from.deviceName ?? null,
        address: from.address,
        createdAt: now,
        usedAt: now,
        expiresAt: now + SESSION_MS,
        revokedAt: null,
        revokedBecause: null,
        provenAt: now,
      })
      .execute();
    return { session, holder, refreshToken: await this.#issue(writing, session, null) };
  }

  /** What whoever has signed in gets. */
  async grant({ session, holder, refreshToken }: Opened): Promise<Grant> {
    const { accessTokens, clock } = this.#options;
    const now = clock.now();
    const accessToken = await accessTokens.sign(
      'person' in holder
        ? { subject: holder.person, session, isAdmin: holder.isAdmin }
        : { subject: holder.gateway, session, home: holder.home },
    );
    return {
      session,
      accessToken,
      accessExpiresAt: now + ACCESS_TOKEN_MS,
      refreshToken,
      refreshExpiresAt: now + SESSION_MS,
    };
  }

  /**
   * Trades a refresh token for the next. One that was used already ends the whole family, but for a
   * moment in which its answer may have been lost.
   * @throws IdentityError `bad-credentials`
   */
  async refresh(token: string, address: string | null): Promise<Grant> {
    const { database, changes } = this.#options;
    const hash = hashOf(token);
    const outcome = await changes.commit(database, (writing, tell) =>
      this.#trade(writing, hash, address, tell),
    );
    if ('opened' in outcome) return await this.grant(outcome.opened);
    await this.#options.onReuse(outcome.stolen, address);
    throw refused();
  }

  /** Ends one. @returns whether it was there and had not ended */
  async end(id: string, because: string): Promise<boolean> {
    const { database, changes } = this.#options;
    return await changes.commit(database, async (writing, tell) => {
      const ended = await this.#end(writing, { id }, because, tell);
      // What ended a moment ago may have been told to nobody
      tell({ type: 'session-ended', session: id });
      return ended > 0;
    });
  }

  /** Ends all of a person or a gateway, or all others, with the transaction. */
  async endAll(
    writing: Writing,
    whose: { person: string } | { gateway: string },
    { because, except }: { because: string; except?: string },
    tell: Tell,
  ): Promise<void> {
    await this.#end(writing, whose, because, tell, except);
  }

  /** Those of a person that have not ended, the last used first. */
  async listOf(person: string): Promise<SessionRow[]> {
    const { database, clock } = this.#options;
    return await database
      .selectFrom('session')
      .selectAll()
      .where('person', '=', person)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', clock.now())
      .orderBy('usedAt', 'desc')
      .execute();
  }

  /** Removes what ended long ago. */
  async tidy(before: number): Promise<void> {
    const { database } = this.#options;
    await database
      .deleteFrom('session')
      .where((is) => is.or([is('expiresAt', '<', before), is('revokedAt', '<', before)]))
      .execute();
  }

  /** Whoever holds it has proved once more who they are. */
  async prove(writing: Writing, id: string): Promise<void> {
    const { clock } = this.#options;
    await writing
      .updateTable('session')
      .set({ provenAt: clock.now() })
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .execute();
  }

  /** When whoever holds it has last proved who they are, epoch ms; 0: never, or it has ended. */
  async provenAt(id: string): Promise<number> {
    const session = await this.#find(this.#options.database, id);
    return session?.revokedAt === null ? (session.provenAt ?? 0) : 0;
  }

  /** Learns which sessions have ended of late; before that no token can be judged. */
  async #load(): Promise<void> {
    const { database, clock } = this.#options;
    const rows = await database
      .selectFrom('session')
      .select(['id', 'revokedAt'])
      .where('revokedAt', '>', clock.now() - ACCESS_TOKEN_MS)
      .execute();
    for (const { id, revokedAt } of rows) this.#ended.set(id, revokedAt ?? 0);
  }

  async #trade(
    writing: Writing,
    hash: string,
    address: string | null,
    tell: Tell,
  ): Promise<{ opened: Opened } | { stolen: SessionRow }> {
    const { clock, holdHolder } = this.#options;
    const now = clock.now();
    const found = await this.#token(writing, hash);
    const known = found && (await this.#find(writing, found.session));
    if (!known) throw refused();
    const holder = await holdHolder(writing, known);
    const session = await writing
      .updateTable('session')
      .set({ usedAt: now, address, expiresAt: now + SESSION_MS })
      .where('id', '=', known.id)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', now)
      .returningAll()
      .executeTakeFirst();
    if (!session) throw refused();
    const { numUpdatedRows } = await writing
      .updateTable('refreshToken')
      .set({ usedAt: now })
      .where('hash', '=', hash)
      .where('usedAt', 'is', null)
      .executeTakeFirst();
    const token = await this.#token(writing, hash);
    if (!token) throw refused();
    if (await this.#isSuspect(writing, token, numUpdatedRows === 1n)) {
      await this.#end(writing, { id: session.id }, 'a refresh token was used twice', tell);
      return { stolen: session };
    }
    if (!holder) throw refused();
    const refreshToken = await this.#issue(writing, session.id, hash);
    return { opened: { session: session.id, holder, refreshToken } };
  }

  async #end(
    writing: Writing,
    whose: { id: string } | { person: string } | { gateway: string },
    because: string,
    tell: Tell,
    except?: string,
  ): Promise<number> {
    let query = writing
      .updateTable('session')
      .set({ revokedAt: this.#options.clock.now(), revokedBecause: because })
      .where((is) => is.and(whose))
      .where('revokedAt', 'is', null);
    if (except !== undefined) query = query.where('id', '!=', except);
    const ended = await query.returning('id').execute();
    for (const { id } of ended) tell({ type: 'session-ended', session: id });
    return ended.length;
  }

  async #find(reading: IdentityDatabase, id: string): Promise<SessionRow | undefined> {
    return await reading.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst();
  }

  async #token(writing: Writing, hash: string): Promise<RefreshTokenOf | undefined> {
    return await writing
      .selectFrom('refreshToken')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst();
  }

  /**
   * Whether somebody else may have this token. It may come again within moments, as long as nobody goes on
   * with what it was traded for; and of those that one was traded for only the last counts, until one is used.
   */
  async #isSuspect(writing: Writing, token: RefreshTokenOf, isFirstUse: boolean): Promise<boolean> {
    const { clock } = this.#options;
    if (!isFirstUse) {
      const age = clock.now() - (token.usedAt ?? clock.now());
      if (age > GRACE_MS) return true;
      const children = await this.#tradedFor(writing, token.hash);
      return children.some(({ usedAt }) => usedAt !== null);
    }
    if (token.parent === null) return false;
    const siblings = await this.#tradedFor(writing, token.parent);
    return siblings.some(
      ({ hash, position, usedAt }) =>
        hash !== token.hash && (position > token.position || usedAt !== null),
    );
  }

  async #tradedFor(writing: Writing, parent: string): Promise<RefreshTokenOf[]> {
    return await writing
      .selectFrom('refreshToken')
      .selectAll()
      .where('parent', '=', parent)
      .execute();
  }

  async #issue(writing: Writing, session: string, parent: string | null): Promise<string> {
    const refreshToken = newSecret('hsr');
    const issuedAt = this.#options.clock.now();
    await writing
      .insertInto('refreshToken')
      .values({ hash: hashOf(refreshToken), session, parent, issuedAt, usedAt: null })
      .execute();
    return refreshToken;
  }

  #remember(session: string): void {
    const now = this.#options.clock.now();
    for (const [id, at] of this.#ended) if (at < now - ACCESS_TOKEN_MS) this.#ended.delete(id);
    this.#ended.set(session, now);
  }
}

function refused(): IdentityError {
  return new IdentityError('bad-credentials', REFUSED, { hint: 'Sign in again.' });
}
