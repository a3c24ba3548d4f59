/** What triggers of time share. */
import type { Lateness } from '../../../engine/kind.ts';

/** What is said when a clock has fired. */
export const clockWords = {
  en: () => 'its time had come',
  de: () => 'ihre Zeit gekommen war',
};

export function latenessOf({ skipIfLaterThan }: { skipIfLaterThan?: number }): Lateness {
  return skipIfLaterThan === undefined
    ? { policy: 'fire' }
    : { policy: 'skip', bound: skipIfLaterThan };
}
