/** Durations and times of day as Home Assistant writes them. */
import { formatDuration } from '../../features/rules/authoring.ts';
import {
  Fields,
  isTemplate,
  numberOf,
  type Part,
  plainText,
  textOf,
  Untranslatable,
} from './part.ts';

const UNITS = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
} as const;
const LONGEST_MS = 366 * 86_400_000;

/** `"00:05:00"`, `"00:05"`, seconds, or a map of units → ms, signed. @throws Untranslatable */
export function msOf(part: Part, what: string): number {
  if (part.type === 'map') {
    const fields = new Fields(part, what);
    let ms = 0;
    for (const [unit, size] of Object.entries(UNITS)) {
      const amount = fields.take(unit);
      if (amount) ms += numberOf(amount, `${unit} of ${what}`) * size;
    }
    fields.finish(what);
    return checked(ms, part, what);
  }
  const text = textOf(part, what).trim();
  if (isTemplate(text)) {
    throw new Untranslatable(
      part.at,
      `${what} is a template, and a rule's times are fixed`,
      'write the time out; for a few values, use "choose" with one in each branch',
    );
  }
  const clock = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2})(\.\d+)?)?$/.exec(text);
  if (clock) {
    const [, sign, hours, minutes, seconds = '0', fraction = ''] = clock;
    const ms =
      Number(hours) * UNITS.hours +
      Number(minutes) * UNITS.minutes +
      Number(`${seconds}${fraction}`) * UNITS.seconds;
    return checked(sign === '-' ? -ms : ms, part, what);
  }
  return checked(numberOf(part, what) * UNITS.seconds, part, what);
}

function checked(ms: number, part: Part, what: string): number {
  if (Math.abs(ms) <= LONGEST_MS) return Math.round(ms);
  throw new Untranslatable(
    part.at,
    `${what} is longer than a year`,
    'a rule waits for a year at most',
  );
}

/** The same as the language writes it; not negative. */
export function durationOf(part: Part, what: string): string {
  const ms = msOf(part, what);
  if (ms >= 0) return formatDuration(ms);
  throw new Untranslatable(part.at, `${what} is negative`, 'give a time of 0 or more');
}

/** `-30m`. */
export function offsetOf(part: Part, what: string): string {
  return formatDuration(msOf(part, what));
}

export interface TimeOfDay {
  /** `07:30`. */
  text: string;
  seconds: number;
}

/** `"07:30"` or `"07:30:00"`. @throws Untranslatable for anything else, as for a helper's name */
export function timeOfDay(part: Part, what: string): TimeOfDay {
  let text = plainText(part, what).trim();
  if (part.type === 'scalar' && typeof part.value === 'number' && part.value < 86_400) {
    // Without quotes Home Assistant's YAML has counted it in sixties: hours and minutes, or seconds too
    const { value } = part;
    const minutes = value < 1_440 ? value : Math.floor(value / 60);
    text = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${value < 1_440 ? 0 : value % 60}`;
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{1,2}))?$/.exec(text);
  const [, hours = '', minutes = '', seconds = '0'] = clock ?? [];
  if (clock && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60) {
    return { text: `${hours.padStart(2, '0')}:${minutes}`, seconds: Number(seconds) };
  }
  throw new Untranslatable(
    part.at,
    `${what} is "${text}", and a rule's times of day are fixed`,
    text.includes('.')
      ? 'write the time out; a twin of kind "schedule" holds times that people change'
      : 'write it like "07:30"',
  );
}

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** @throws Untranslatable for what is no weekday */
export function weekdaysOf(parts: readonly Part[]): string[] {
  return parts.map((part) => {
    const day = plainText(part, 'a weekday').toLowerCase().slice(0, 3);
    if (WEEKDAYS.includes(day)) return day;
    throw new Untranslatable(part.at, `"${day}" is no weekday`, `use ${WEEKDAYS.join(', ')}`);
  });
}
