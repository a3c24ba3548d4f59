import { IdentityError } from '../errors.ts';

/** The most that one may have of each; 0: no limit. */
export interface IdentityQuotas {
  homesPerPerson: number;
  keysPerHome: number;
  /** Devices with a secret of their own. */
  devicesPerHome: number;
}

export const NO_QUOTAS: IdentityQuotas = { homesPerPerson: 0, keysPerHome: 0, devicesPerHome: 0 };

/** What a home has of something. `limit` null: any number. */
export interface HomeUsage {
  quota: string;
  used: number;
  limit: number | null;
}

/** What a home may have only so many of; 0: any number. */
export interface HomeQuota {
  /** The name of the quota, as answers show it. */
  quota: string;
  mostOf: (home: string) => number;
}

/**
 * @param used how many a home has already
 * @throws IdentityError `quota-exceeded`
 */
export function assertRoom(
  { quota, mostOf }: HomeQuota,
  home: string,
  used: number,
  hint: string,
): void {
  const limit = mostOf(home);
  if (limit === 0 || used < limit) return;
  throw new IdentityError(
    'quota-exceeded',
    `the home ${home} has ${used} ${quota}, and ${limit} at most`,
    { hint, quota: { quota, limit, used } },
  );
}

/** @param isExempt homes for which they do not count */
export function homeQuotas(
  { keysPerHome, devicesPerHome }: IdentityQuotas,
  isExempt: (home: string) => boolean = () => false,
): { keys: HomeQuota; devices: HomeQuota } {
  const of = (quota: string, most: number): HomeQuota => ({
    quota,
    mostOf: (home) => (isExempt(home) ? 0 : most),
  });
  return { keys: of('keys', keysPerHome), devices: of('devices', devicesPerHome) };
}

export function usageOf({ quota, mostOf }: HomeQuota, home: string, used: number): HomeUsage {
  return { quota, used, limit: mostOf(home) || null };
}
