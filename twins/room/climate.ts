/** What a room's members measured, and the mean of what is fresh. */

/** A value and when it was measured (epoch ms). */
export type Reading = [value: number, at: number];

export type MemberReadings = { temperature?: Reading; humidity?: Reading };

const QUANTITIES = ['temperature', 'humidity'] as const;

/** The readings that are not older than `freshnessMs` at `now`; members without any are gone. */
export function freshOf(
  members: Readonly<Record<string, MemberReadings>>,
  freshnessMs: number,
  now: number,
): Record<string, MemberReadings> {
  const fresh: Record<string, MemberReadings> = {};
  for (const [member, readings] of Object.entries(members)) {
    const kept: MemberReadings = {};
    for (const quantity of QUANTITIES) {
      const reading = readings[quantity];
      if (reading !== undefined && reading[1] + freshnessMs > now) kept[quantity] = reading;
    }
    if (kept.temperature || kept.humidity) fresh[member] = kept;
  }
  return fresh;
}

/** The instant at which the oldest reading goes stale. */
export function nextStale(
  members: Readonly<Record<string, MemberReadings>>,
  freshnessMs: number,
): number {
  let oldest = Number.MAX_SAFE_INTEGER;
  for (const readings of Object.values(members)) {
    for (const quantity of QUANTITIES) {
      const reading = readings[quantity];
      if (reading !== undefined && reading[1] < oldest) oldest = reading[1];
    }
  }
  return oldest + freshnessMs;
}

/** Unweighted means in hundredths; a quantity that nobody measures is absent. */
export function meansOf(members: Readonly<Record<string, MemberReadings>>): {
  temperature?: number;
  humidity?: number;
} {
  const means: { temperature?: number; humidity?: number } = {};
  for (const quantity of QUANTITIES) {
    let sum = 0;
    let count = 0;
    for (const { [quantity]: reading } of Object.values(members)) {
      if (reading === undefined) continue;
      sum += reading[0];
      count++;
    }
    if (count > 0) means[quantity] = Math.round((sum / count) * 100) / 100;
  }
  return means;
}
