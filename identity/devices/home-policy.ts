/** What happens to devices that a home does not know: made at once, listed to be claimed, or turned away. */
export type HomePolicy = 'open' | 'claim' | 'closed';
