import { IdentityError } from '../errors.ts';

/** Of what a home may have so many; 0: any number. */
export interface HomeQuota {
  /** As answers name it. */
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
