/**
 * How long to wait before another try: exponential, capped, with full jitter in its upper half so
 * that many who failed together do not come back together.
 * @param attempt 1 after the first failure
 * @param random in [0, 1)
 * @returns ms
 */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: { baseMs: number; capMs: number },
  random: number,
): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
