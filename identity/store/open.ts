import type { Dialect, Kysely } from 'kysely';
import { openTables } from '../../engine/index.ts';
import { IdentityError } from '../errors.ts';
import type { Tables } from './tables.ts';

export type IdentityDatabase = Kysely<Tables>;

/**
 * @param url that of the engine's storage, whose migrations have run
 * @param around puts something between here and the store: tests stop statements there
 * @throws Error when it names no database
 */
export function openIdentityDatabase(
  url: string,
  around?: (dialect: Dialect) => Dialect,
): IdentityDatabase {
  return openTables<Tables>(url, { unavailable, gone: null }, around);
}

export function unavailable(message: string): IdentityError {
  return new IdentityError('unavailable', message);
}
