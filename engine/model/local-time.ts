import { EngineError } from './errors.ts';

/** Wall-clock time in a timezone. */
export interface LocalTime {
  /** 1 = Monday … 7 = Sunday (ISO 8601). */
  weekday: number;
  /** Minutes since local midnight, 0–1439. */
  minutes: number;
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * What the clock on the wall shows: a pure function of the instant and the timezone.
 * @param at epoch ms
 * @param timezone IANA name
 * @throws RangeError for an unknown timezone
 */
export function localTime(at: number, timezone: string): LocalTime {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timezone, format);
  }
  let weekday = 0;
  let minutes = 0;
  for (const { type, value } of format.formatToParts(at)) {
    if (type === 'weekday') weekday = WEEKDAYS.indexOf(value) + 1;
    else if (type === 'hour') minutes += Number(value) * 60;
    else if (type === 'minute') minutes += Number(value);
  }
  return { weekday, minutes };
}

const dateFormats = new Map<string, Intl.DateTimeFormat>();

/**
 * The date on the wall, `YYYY-MM-DD`, which sorts as dates do: a pure function as {@link localTime} is, and
 * apart from it, as few ask for a date and many for a time.
 * @param at epoch ms
 * @param timezone IANA name
 * @throws RangeError for an unknown timezone
 */
export function localDate(at: number, timezone: string): string {
  let format = dateFormats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    dateFormats.set(timezone, format);
  }
  let year = '';
  let month = '';
  let day = '';
  for (const { type, value } of format.formatToParts(at)) {
    if (type === 'year') year = value;
    else if (type === 'month') month = value;
    else if (type === 'day') day = value;
  }
  return `${year}-${month}-${day}`;
}

/** @throws EngineError `bad-input` for a name that is no IANA timezone */
export function assertTimezone(timezone: string): void {
  try {
    localTime(0, timezone);
  } catch (cause) {
    throw new EngineError('bad-input', `"${timezone}" is not a timezone`, {
      hint: 'Use an IANA name such as Europe/Berlin or UTC.',
      cause,
    });
  }
}
