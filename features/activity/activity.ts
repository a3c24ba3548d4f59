/** How much goes on at each twin, and in each home: a projection by days. */
import type { LogRow, Projection } from '../../engine/index.ts';

/** Who told a twin something: by the door through which it came, another twin, or the engine itself. */
const SENDER_GROUPS = ['device', 'person', 'twin', 'engine'] as const;
export type SenderGroup = (typeof SENDER_GROUPS)[number];
const SEVERITIES = ['info', 'warning', 'critical'] as const;

/** What turns have in common that are counted together. */
export type Activity = {
  turns: Record<SenderGroup, number>;
  /** Counts by name; what comes after the first {@link MAX_NAMES} of a day is counted as {@link OTHERS}. */
  commands: Record<string, number>;
  /** Raised, by severity. */
  alerts: Record<(typeof SEVERITIES)[number], number>;
  /** Reports that came after later ones of their kind. */
  late: number;
};

export const ACTIVITY = 'activity';
const MAX_NAMES = 50;
const OTHERS = '(others)';
const EVERY_MS = 10_000;

export const NOTHING: Activity = {
  turns: { device: 0, person: 0, twin: 0, engine: 0 },
  commands: {},
  alerts: { info: 0, warning: 0, critical: 0 },
  late: 0,
};

/** A row a UTC day, `2026-01-05`, for each twin and for the home as a whole. */
export const activity: Projection<Activity> = {
  name: ACTIVITY,
  version: 1,
  everyMs: EVERY_MS,
  keysOf({ receivedAt }) {
    const key = dayOf(receivedAt);
    return [
      { of: 'twin', key },
      { of: 'home', key },
    ];
  },
  apply: (value, turn) => counting(value ?? NOTHING, turn),
};

const DAY_MS = 24 * 3_600_000;
/** The day that was asked for last: nearly always the next one's, too. */
let lastDay = { number: Number.NaN, text: '' };

/** @throws RangeError for what is no moment */
export function dayOf(moment: number): string {
  const number = Math.floor(moment / DAY_MS);
  if (number !== lastDay.number) {
    const text = new Date(moment).toISOString().slice(0, '2026-01-05'.length);
    lastDay = { number, text };
  }
  return lastDay.text;
}

/** A loop without intermediate sums, as this runs twice for each turn. */
function counting({ turns, commands, alerts, late }: Activity, turn: LogRow): Activity {
  const group = groupOf(turn.source);
  const next = { turns: { ...turns }, commands, alerts, late: turn.late ? late + 1 : late };
  next.turns[group]++;
  for (const effect of turn.effects) {
    if (effect.type === 'command' && !effect.refused) {
      next.commands = counted(next.commands, effect.name, 1);
    } else if (effect.type === 'alert' && effect.state === 'raised') {
      next.alerts = { ...next.alerts };
      next.alerts[effect.severity]++;
    }
  }
  return next;
}

function groupOf(source: string): SenderGroup {
  if (source.includes('/')) return 'twin';
  if (source === 'rest') return 'person';
  return source === 'engine' || source === 'timer' ? 'engine' : 'device';
}

export function added(one: Activity, other: Activity): Activity {
  let { commands } = one;
  for (const [name, times] of Object.entries(other.commands)) {
    commands = counted(commands, name, times);
  }
  return {
    turns: summed(one.turns, other.turns),
    commands,
    alerts: summed(one.alerts, other.alerts),
    late: one.late + other.late,
  };
}

function summed<K extends string>(one: Record<K, number>, other: Record<K, number>) {
  const all = Object.entries<number>(one).map(([key, count]) => [key, count + other[key as K]]);
  return Object.fromEntries(all) as Record<K, number>;
}

function counted(
  commands: Activity['commands'],
  name: string,
  times: number,
): Activity['commands'] {
  const isNew = !Object.hasOwn(commands, name);
  const key = isNew && Object.keys(commands).length >= MAX_NAMES ? OTHERS : name;
  const before = Object.hasOwn(commands, key) ? (commands[key] ?? 0) : 0;
  // Not by assignment, which would make no member of `__proto__`
  return { ...commands, [key]: before + times };
}

export function turnsOf({ turns }: Activity): number {
  return SENDER_GROUPS.reduce((sum, group) => sum + turns[group], 0);
}
