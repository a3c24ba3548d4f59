/** How long a request may wait for work in a thread, ms: for its turn among others, and then for its answer. */
export const LONG_MS = 60_000;
