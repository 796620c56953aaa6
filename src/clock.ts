/**
 * Time as an argument. A public date is a day in Europe/Paris; instants are `Date`s and stay inside.
 */
export type Clock = () => Date;

/** A calendar day in Europe/Paris, `YYYY-MM-DD`. Days compare as strings. */
export type Day = string & { readonly brand: 'Day' };

const PARIS = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Paris',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let lastHour = Number.NaN;
let lastDay = '' as Day;

/** The day that Paris's calendars show at an instant. It changes on a full hour only, so the last answer is kept. */
export function parisDay(instant: Date): Day {
  const hour = Math.floor(instant.getTime() / HOUR);
  if (hour !== lastHour) {
    lastDay = PARIS.format(instant) as Day;
    lastHour = hour;
  }
  return lastDay;
}

/** Takes `YYYY-MM-DD` that exists in the calendar; anything else is `undefined`. */
export function parseDay(text: string): Day | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const instant = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(instant.getTime()) || instant.toISOString().slice(0, 10) !== text) return undefined;
  return text as Day;
}

let midnightDay = '' as Day;
let midnight = Number.NaN;

/**
 * The instant of 00:00 in Paris on a day, in seconds since 1970. Paris is one or two hours ahead of UTC and changes
 * its clocks at 01:00 UTC, never at midnight, so exactly one of the two candidates reads 00:00 there. Receipts of one day
 * are made one after the other, so the last answer is kept.
 */
export function parisMidnight(day: Day): number {
  if (day !== midnightDay) {
    const utc = Date.parse(`${day}T00:00:00Z`);
    const summer = utc - 2 * HOUR;
    midnight = (PARIS.format(summer) === day ? summer : utc - HOUR) / 1000;
    midnightDay = day;
  }
  return midnight;
}

let numberedDay = '' as Day;
let dayOfNumber = Number.NaN;

/** Days since 1970-01-01, the form in which tables keep a day. */
export function dayNumber(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`) / DAY;
}

/** Rows of one day are read one after the other, so the last answer is kept. @throws RangeError for the number of no day */
export function dayFromNumber(number: number): Day {
  if (number !== dayOfNumber) {
    const date = new Date(number * DAY);
    if (Number.isNaN(date.getTime())) throw new RangeError(`no day has the number ${number}`);
    numberedDay = date.toISOString().slice(0, 10) as Day;
    dayOfNumber = number;
  }
  return numberedDay;
}
