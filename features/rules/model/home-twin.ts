/** The twin of a home that knows its mode and its place, and gets its messages. */
import type { Facts } from '../../../engine/kind.ts';

export const HOME_TWIN = 'home';

/** Where a home is; null: nobody has said. */
export function placeOf(facts: Facts): { latitude: number; longitude: number } | null {
  const settings = facts[HOME_TWIN]?.settings;
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return null;
  const { latitude, longitude } = settings;
  return typeof latitude === 'number' && typeof longitude === 'number'
    ? { latitude, longitude }
    : null;
}
