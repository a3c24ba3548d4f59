/** Starts that a store keeps: more than anybody looks at. */
export const KEPT_STARTS = 20;
