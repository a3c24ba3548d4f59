import type { Selectable } from 'kysely';
import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { RefreshTokenRow, SessionRow } from '../store/tables.ts';
import { ACCESS_TOKEN_MS, type AccessTokens } from './access-tokens.ts';

type RefreshTokenOf = Selectable<RefreshTokenRow>;

/** Whose session: a person's app, or a gateway. */
export type Holder = { person: string; isAdmin: boolean } | { gateway: string; home: string };

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
  /** Who holds the session now; null when they may not any more. */
  holderOf: (session: SessionRow) => Promise<Holder | null>;
  /** A refresh token has been used twice: one of the two has stolen it. */
  onReuse: (session: SessionRow, address: string | null) => Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
/** Without being used. */
const SESSION_MS = 90 * DAY_MS;
/** For an answer that got lost: the same token may ask again. */
const GRACE_MS = 10_000;
const REFUSED = 'this refresh token is not valid any more';

/** Sessions: families of refresh tokens, each token used once. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** Sessions that ended while access tokens of theirs may be about, and when. */
  readonly #ended = new Map<string, number>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Learns which sessions have ended of late; before that no token can be judged. */
  async load(): Promise<void> {
    const { database, clock } = this.#options;
    const rows = await database
      .selectFrom('session')
      .select(['id', 'revokedAt'])
      .where('revokedAt', '>', clock.now() - ACCESS_TOKEN_MS)
      .execute();
    for (const { id, revokedAt } of rows) this.#ended.set(id, revokedAt ?? 0);
  }

  /** Whether its access tokens count; they last for minutes, this for a moment. */
  isEnded(session: string): boolean {
    return this.#ended.has(session);
  }

  async begin(
    holder: Holder,
    from: { deviceName?: string | undefined; address: string | null },
  ): Promise<Grant> {
    const { database, clock, newId } = this.#options;
    const now = clock.now();
    const id = newId();
    await database
      .insertInto('session')
      .values({
        id,
        person: 'person' in holder ? holder.person : null,
        gateway: 'gateway' in holder ? holder.gateway : null,
        deviceName: from.deviceName ?? null,
        address: from.address,
        createdAt: now,
        usedAt: now,
        expiresAt: now + SESSION_MS,
        revokedAt: null,
        revokedBecause: null,
      })
      .execute();
    return await this.#grant(id, holder, null);
  }

  /**
   * Trades a refresh token for the next. One that was used already ends the whole family, but for a
   * moment in which its answer may have been lost.
   * @throws IdentityError `bad-credentials`
   */
  async refresh(token: string, address: string | null): Promise<Grant> {
    const { database, clock } = this.#options;
    const hash = hashOf(token);
    const now = clock.now();
    const known = await database
      .selectFrom('refreshToken')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst();
    if (!known) throw refused();
    const session = await this.#find(known.session);
    if (!session || session.revokedAt !== null || session.expiresAt <= now) throw refused();
    const { numUpdatedRows } = await database
      .updateTable('refreshToken')
      .set({ usedAt: now })
      .where('hash', '=', hash)
      .where('usedAt', 'is', null)
      .executeTakeFirst();
    const isFirstUse = numUpdatedRows === 1n;
    if (await this.#isSuspect(known, isFirstUse)) {
      await this.end(session.id, 'a refresh token was used twice');
      await this.#options.onReuse(session, address);
      throw refused();
    }
    const holder = await this.#options.holderOf(session);
    if (!holder) throw refused();
    await database
      .updateTable('session')
      .set({ usedAt: now, address, expiresAt: now + SESSION_MS })
      .where('id', '=', session.id)
      .execute();
    return await this.#grant(session.id, holder, hash);
  }

  /** Ends one. @returns whether it was there and had not ended */
  async end(id: string, because: string): Promise<boolean> {
    const { database, clock, changes } = this.#options;
    const now = clock.now();
    const { numUpdatedRows } = await database
      .updateTable('session')
      .set({ revokedAt: now, revokedBecause: because })
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst();
    this.#remember(id, now);
    changes.publish({ type: 'session-ended', session: id });
    return numUpdatedRows > 0n;
  }

  /** Ends all of a person or a gateway, or all others. */
  async endAll(
    whose: { person: string } | { gateway: string },
    because: string,
    except: string | null = null,
  ): Promise<void> {
    for (const { id } of await this.#open(whose)) {
      if (id !== except) await this.end(id, because);
    }
  }

  /** Those of a person that have not ended, the last used first. */
  async listOf(person: string): Promise<SessionRow[]> {
    const open = await this.#open({ person });
    return open.sort((one, other) => other.usedAt - one.usedAt);
  }

  /** Removes what ended long ago. */
  async tidy(before: number): Promise<void> {
    const { database } = this.#options;
    await database
      .deleteFrom('session')
      .where((is) => is.or([is('expiresAt', '<', before), is('revokedAt', '<', before)]))
      .execute();
  }

  async #open(whose: { person: string } | { gateway: string }): Promise<SessionRow[]> {
    const { database, clock } = this.#options;
    const query = database
      .selectFrom('session')
      .selectAll()
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', clock.now());
    return await ('person' in whose
      ? query.where('person', '=', whose.person)
      : query.where('gateway', '=', whose.gateway)
    ).execute();
  }

  async #find(id: string): Promise<SessionRow | undefined> {
    const { database } = this.#options;
    return await database.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /**
   * Whether somebody else may have this token. It may come again within moments, as long as nobody goes on
   * with what it was traded for; and of those that one was traded for only the last counts, until one is used.
   */
  async #isSuspect(token: RefreshTokenOf, isFirstUse: boolean): Promise<boolean> {
    const { clock } = this.#options;
    if (!isFirstUse) {
      const age = clock.now() - (token.usedAt ?? clock.now());
      if (age > GRACE_MS) return true;
      const children = await this.#tradedFor(token.hash);
      return children.some(({ usedAt }) => usedAt !== null);
    }
    if (token.parent === null) return false;
    const siblings = await this.#tradedFor(token.parent);
    return siblings.some(
      ({ hash, position, usedAt }) =>
        hash !== token.hash && (position > token.position || usedAt !== null),
    );
  }

  async #tradedFor(parent: string): Promise<RefreshTokenOf[]> {
    return await this.#options.database
      .selectFrom('refreshToken')
      .selectAll()
      .where('parent', '=', parent)
      .execute();
  }

  async #grant(session: string, holder: Holder, parent: string | null): Promise<Grant> {
    const { database, accessTokens, clock } = this.#options;
    const now = clock.now();
    const refreshToken = newSecret('hsr');
    await database
      .insertInto('refreshToken')
      .values({ hash: hashOf(refreshToken), session, parent, issuedAt: now, usedAt: null })
      .execute();
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

  #remember(session: string, now: number): void {
    for (const [id, at] of this.#ended) if (at < now - ACCESS_TOKEN_MS) this.#ended.delete(id);
    this.#ended.set(session, now);
  }
}

function refused(): IdentityError {
  return new IdentityError('bad-credentials', REFUSED, { hint: 'Sign in again.' });
}
