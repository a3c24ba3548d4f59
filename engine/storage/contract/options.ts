import type { StorageOptions } from '../port.ts';

/** What subjects are opened with: a bound that a test reaches. */
export const CONTRACT_OPTIONS: StorageOptions = { deadLettersPerHome: 5 };
