import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import { assertRoom, type HomeQuota, type HomeUsage, usageOf } from '../homes/home-quota.ts';
import type { Existence } from '../homes/twin-life.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { Permissions } from '../permissions.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { Writing } from '../store/atomically.ts';
import { GenerationCache } from '../store/generation-cache.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ApiKeyRow } from '../store/tables.ts';

export interface ApiKey {
  id: string;
  home: string | null;
  name: string;
  scopes: string[];
  createdAt: number;
  expiresAt: number | null;
  usedAt: number | null;
}

export interface ApiKeysOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  changes: IdentityChanges;
  quota: HomeQuota;
  permissions: Permissions;
}

const PREFIX = 'hsk';
/** `usedAt` is told to the minute. */
const USED_MS = 60_000;
const REMEMBERED = 10_000;

/** The keys of automations and services: what they may do is listed, they need no session, and they may end. */
export class ApiKeys {
  readonly #options: ApiKeysOptions;
  /** The keys that have not been revoked, by hash. */
  readonly #known: GenerationCache<string, ApiKey>;
  /** When they end, by id: each change that somebody asks for with one looks again. */
  readonly #ends: GenerationCache<string, { expiresAt: number | null }>;

  constructor(options: ApiKeysOptions) {
    const { clock, changes } = options;
    this.#options = options;
    this.#known = new GenerationCache({ name: 'API keys', clock, most: REMEMBERED });
    this.#ends = new GenerationCache({ name: 'expiry of API keys', clock, most: REMEMBERED });
    changes.subscribe((change) => {
      if (change.type === 'key-changed') {
        this.#known.forgetWhere(({ id }) => id === change.key);
        this.#ends.forget(change.key);
      }
      if (change.type === 'unsure') for (const one of [this.#known, this.#ends]) one.forgetAll();
    });
  }

  static looksLike(token: string): boolean {
    return token.startsWith(`${PREFIX}_`);
  }

  /**
   * It ends when whoever makes it may not make it any more.
   * @returns the key and its secret, which is not to be had again
   * @throws IdentityError `bad-input` for a scope that no key can have; `forbidden` for who may not any more;
   * `quota-exceeded`
   */
  async make(
    { home, name, scopes, expiresAt }: Pick<ApiKey, 'home' | 'name' | 'scopes' | 'expiresAt'>,
    by: string,
  ): Promise<{ key: ApiKey; secret: string }> {
    const { database, clock, newId, changes, quota, existence } = this.#options;
    const possible = this.#options.permissions.scopes;
    const unknown = scopes.filter((scope) => !possible.includes(scope));
    if (unknown.length > 0) {
      throw new IdentityError('bad-input', `a key cannot have ${unknown.join(', ')}`, {
        hint: `It can have: ${possible.join(', ')}.`,
      });
    }
    const secret = newSecret(PREFIX);
    const now = clock.now();
    const row: ApiKeyRow = {
      ...{ id: newId(), home, name, hash: hashOf(secret), scopes: JSON.stringify(scopes) },
      ...{ madeBy: by, createdAt: now, expiresAt, usedAt: null, revokedAt: null },
    };
    const made = await changes.commit(database, async (writing) => {
      const until =
        home === null ? null : (await holdToGrant(writing, { home, by, now, existence })).until;
      if (home === null) await holdPlatform(writing, by);
      else {
        const hint = 'Revoke one that nobody uses any more.';
        assertRoom(quota, home, await count(writing, home, now), hint);
      }
      const whole = { ...row, expiresAt: earlier(expiresAt, until) };
      await writing.insertInto('apiKey').values(whole).execute();
      return whole;
    });
    return { key: toKey(made), secret };
  }

  /** Keys of a home that count. */
  async usage(home: string): Promise<HomeUsage> {
    const { database, clock, quota } = this.#options;
    return usageOf(quota, home, await count(database, home, clock.now()));
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
    await changes.commit(database, async (writing, tell) => {
      const { numUpdatedRows } = await writing
        .updateTable('apiKey')
        .set({ revokedAt: clock.now() })
        .where('id', '=', id)
        .where('home', home === null ? 'is' : '=', home)
        .where('revokedAt', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new IdentityError('not-found', `there is no key ${id}`);
      tell({ type: 'key-changed', key: id });
    });
  }

  /** @returns null for what is none, or has ended */
  async find(secret: string): Promise<ApiKey | null> {
    const { database, clock } = this.#options;
    const hash = hashOf(secret);
    const now = clock.now();
    const key = await this.#known.get(hash, async () => {
      const row = await database
        .selectFrom('apiKey')
        .selectAll()
        .where('hash', '=', hash)
        .where('revokedAt', 'is', null)
        .executeTakeFirst();
      return row ? toKey(row) : null;
    });
    if (!key || (key.expiresAt !== null && key.expiresAt <= now)) return null;
    if (key.usedAt === null || now - key.usedAt >= USED_MS) {
      key.usedAt = now;
      await database.updateTable('apiKey').set({ usedAt: now }).where('id', '=', key.id).execute();
    }
    return key;
  }

  /** Whether the key is there and has not ended. */
  async isGood(id: string): Promise<boolean> {
    const { database, clock } = this.#options;
    const key = await this.#ends.get(id, async () => {
      const row = await database
        .selectFrom('apiKey')
        .select('expiresAt')
        .where('id', '=', id)
        .where('revokedAt', 'is', null)
        .executeTakeFirst();
      return row ?? null;
    });
    return key !== null && (key.expiresAt === null || key.expiresAt > clock.now());
  }
}

/** Who gives a key for all homes must run the platform. @throws IdentityError `forbidden` */
async function holdPlatform(writing: Writing, by: string): Promise<void> {
  const [type, id = ''] = by.split(/:(.*)/s);
  if (type !== 'person') return;
  const person = await holdPerson(writing, id);
  if (person?.isAdmin === 1 && person.lockedAt === null) return;
  throw new IdentityError('forbidden', 'you may not do this any more');
}

async function count(reading: IdentityDatabase, home: string, now: number): Promise<number> {
  const rows = await reading
    .selectFrom('apiKey')
    .select('id')
    .where('home', '=', home)
    .where('revokedAt', 'is', null)
    .where((is) => is.or([is('expiresAt', 'is', null), is('expiresAt', '>', now)]))
    .execute();
  return rows.length;
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function toKey({ id, home, name, scopes, createdAt, expiresAt, usedAt }: ApiKeyRow): ApiKey {
  const list = JSON.parse(scopes) as string[];
  return { id, home, name, scopes: list, createdAt, expiresAt, usedAt };
}
