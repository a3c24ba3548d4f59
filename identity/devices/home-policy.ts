/** What happens to devices that a home does not know: made at once, listed to be claimed, or turned away. */
export const POLICIES = ['open', 'claim', 'closed'] as const;
export type HomePolicy = (typeof POLICIES)[number];
