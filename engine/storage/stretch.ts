/** How samples are read a stretch at a time: each is a span of time, in which turns are found by when they came in. */

/** A device's clock is at most so far ahead (saneTime); what comes in later than that has an index of its own. */
export const PROMPT_MS = 300_000;
/** A stretch goes on for at least so long: what comes in around its ends is looked at with both neighbours. */
export const LEAST_MS = 2 * PROMPT_MS;
