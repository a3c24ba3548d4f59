import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { type Action, SCOPES } from '../permissions.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ApiKeyRow } from '../store/tables.ts';

export interface ApiKey {
  id: string;
  home: string | null;
  name: string;
  scopes: Action[];
  createdAt: number;
  expiresAt: number | null;
  usedAt: number | null;
}

export interface ApiKeysOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
}

const PREFIX = 'hsk';
/** `usedAt` is told to the minute. */
const USED_MS = 60_000;
const REMEMBERED = 10_000;

/** For automations and services: what they may do is listed, they need no session, and they may end. */
export class ApiKeys {
  readonly #options: ApiKeysOptions;
  /** By hash; one engine serves a database. */
  #known = new Map<string, ApiKey>();

  constructor(options: ApiKeysOptions) {
    this.#options = options;
  }

  static looksLike(token: string): boolean {
    return token.startsWith(`${PREFIX}_`);
  }

  /**
   * @returns the key and its secret, which is not to be had again
   * @throws IdentityError `bad-input` for a scope that no key can have
   */
  async make(
    { home, name, scopes, expiresAt }: Pick<ApiKey, 'home' | 'name' | 'scopes' | 'expiresAt'>,
    by: string,
  ): Promise<{ key: ApiKey; secret: string }> {
    const { database, clock, newId } = this.#options;
    const unknown = scopes.filter((scope) => !SCOPES.includes(scope));
    if (unknown.length > 0) {
      throw new IdentityError('bad-input', `a key cannot have ${unknown.join(', ')}`, {
        hint: `It can have: ${SCOPES.join(', ')}.`,
      });
    }
    const secret = newSecret(PREFIX);
    const row: ApiKeyRow = {
      ...{ id: newId(), home, name, hash: hashOf(secret), scopes: JSON.stringify(scopes) },
      ...{ madeBy: by, createdAt: clock.now(), expiresAt, usedAt: null, revokedAt: null },
    };
    await database.insertInto('apiKey').values(row).execute();
    return { key: toKey(row), secret };
  }

  /** @param home null: those of the platform */
  async list(home: string | null): Promise<ApiKey[]> {
    const rows = await this.#options.database
      .selectFrom('apiKey')
      .selectAll()
      .where('home', home === null ? 'is' : '=', home)
      .where('revokedAt', 'is', null)
      .orderBy('createdAt', 'desc')
      .execute();
    return rows.map(toKey);
  }

  /** @throws IdentityError `not-found` */
  async revoke(home: string | null, id: string): Promise<void> {
    const { database, clock, changes } = this.#options;
    const { numUpdatedRows } = await database
      .updateTable('apiKey')
      .set({ revokedAt: clock.now() })
      .where('id', '=', id)
      .where('home', home === null ? 'is' : '=', home)
      .where('revokedAt', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new IdentityError('not-found', `there is no key ${id}`);
    for (const [hash, key] of this.#known) if (key.id === id) this.#known.delete(hash);
    changes.publish({ type: 'key-revoked', key: id });
  }

  /** @returns null for what is none, or has ended */
  async find(secret: string): Promise<ApiKey | null> {
    const { database, clock } = this.#options;
    const hash = hashOf(secret);
    const now = clock.now();
    let key = this.#known.get(hash);
    if (!key) {
      const row = await database
        .selectFrom('apiKey')
        .selectAll()
        .where('hash', '=', hash)
        .where('revokedAt', 'is', null)
        .executeTakeFirst();
      if (!row) return null;
      key = toKey(row);
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      this.#known.set(hash, key);
    }
    if (key.expiresAt !== null && key.expiresAt <= now) return null;
    if (key.usedAt === null || now - key.usedAt >= USED_MS) {
      key.usedAt = now;
      await database.updateTable('apiKey').set({ usedAt: now }).where('id', '=', key.id).execute();
    }
    return key;
  }

  /** Whether the key is there and has not been revoked. */
  async isGood(id: string): Promise<boolean> {
    const row = await this.#options.database
      .selectFrom('apiKey')
      .select('id')
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The home is gone. */
  async forget(home: string): Promise<void> {
    for (const { id } of await this.list(home)) await this.revoke(home, id);
  }
}

function toKey({ id, home, name, scopes, createdAt, expiresAt, usedAt }: ApiKeyRow): ApiKey {
  const list = JSON.parse(scopes) as Action[];
  return { id, home, name, scopes: list, createdAt, expiresAt, usedAt };
}
