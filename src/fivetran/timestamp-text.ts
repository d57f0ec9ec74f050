/** PostgreSQL's dates and timestamps (DateStyle ISO) as protobuf's Timestamp. */
export interface Moment {
  /** Seconds since 1970, rounded towards the past. */
  seconds: number;
  nanos: number;
}

/** unrepresentable: infinity, or outside of the years 1 to 9999, which a Timestamp may not hold. */
export type MomentOutcome = 'read' | 'unrepresentable' | 'invalid';

const ZERO = 48;
const DASH = 45;
const COLON = 58;
const POINT = 46;
const DAY_SECONDS = 86_400;
const DATE_LENGTH = 10;
const TIME_LENGTH = 19;

/** Reads `2025-01-31`, `2025-01-31 10:00:00.123456` or `2025-01-31 10:00:00+00` without making a string. */
export function readTimestamp(source: Buffer, start: number, end: number, moment: Moment): MomentOutcome {
  const length = end - start;
  const usual =
    length >= DATE_LENGTH &&
    source[start + 4] === DASH &&
    source[start + 7] === DASH &&
    (length === DATE_LENGTH || (length >= TIME_LENGTH && source[start + 13] === COLON && source[start + 16] === COLON));
  const year = usual ? twoDigits(source, start) * 100 + twoDigits(source, start + 2) : NaN;
  const month = usual ? twoDigits(source, start + 5) : NaN;
  const day = usual ? twoDigits(source, start + 8) : NaN;
  if (!(year >= 1 && isDay(year, month, day))) return readUnusual(source, start, end, moment);
  let seconds = daysSince1970(year, month, day) * DAY_SECONDS;
  let nanos = 0;
  if (length > DATE_LENGTH) {
    const hours = twoDigits(source, start + 11);
    const minutes = twoDigits(source, start + 14);
    const wholeSeconds = twoDigits(source, start + 17);
    if (!isTime(hours, minutes, wholeSeconds)) return 'invalid';
    seconds += hours * 3600 + minutes * 60 + wholeSeconds;
    let at = start + TIME_LENGTH;
    if (at < end && source[at] === POINT) {
      at += 1;
      for (let scale = 100_000_000; at < end; at += 1, scale /= 10) {
        const digit = (source[at] ?? 0) - ZERO;
        if (digit < 0 || digit > 9) break;
        nanos += digit * scale;
      }
    }
    if (at < end && !isUtc(source, at, end)) return readUnusual(source, start, end, moment);
  }
  moment.seconds = seconds;
  moment.nanos = nanos;
  return 'read';
}

/** NaN unless both are digits. */
function twoDigits(source: Buffer, at: number): number {
  const tens = (source[at] ?? 0) - ZERO;
  const ones = (source[at + 1] ?? 0) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

function isDay(year: number, month: number, day: number): boolean {
  if (!(month >= 1 && month <= 12 && day >= 1)) return false;
  if (month === 2) return day <= (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28);
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

function isTime(hours: number, minutes: number, seconds: number): boolean {
  return hours <= 23 && minutes <= 59 && seconds <= 59;
}

/** `+00`, which the session's time zone gives, or `Z`. */
function isUtc(source: Buffer, at: number, end: number): boolean {
  if (end - at === 1) return source[at] === 0x5a;
  return end - at === 3 && source[at] === 0x2b && source[at + 1] === ZERO && source[at + 2] === ZERO;
}

// A year of five digits or more, an era or another offset comes from PostgreSQL or from a transformation.
const UNUSUAL =
  /^(\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?( BC)?$/;
const LAST_YEAR = 9999;

function readUnusual(source: Buffer, start: number, end: number, moment: Moment): MomentOutcome {
  const text = source.toString('latin1', start, end);
  if (text === 'infinity' || text === '-infinity') return 'unrepresentable';
  const match = UNUSUAL.exec(text);
  if (match === null) return 'invalid';
  const [year = NaN, month = NaN, day = NaN, hours = 0, minutes = 0, wholeSeconds = 0] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? 0 : Number(part)));
  if (match[9] !== undefined || year > LAST_YEAR) return 'unrepresentable';
  if (year === 0 || !isDay(year, month, day) || !isTime(hours, minutes, wholeSeconds)) return 'invalid';
  const local = daysSince1970(year, month, day) * DAY_SECONDS + hours * 3600 + minutes * 60 + wholeSeconds;
  moment.seconds = local - offsetSeconds(match[8]);
  moment.nanos = Number((match[7] ?? '').padEnd(9, '0'));
  return 'read';
}

function offsetSeconds(text: string | undefined): number {
  if (text === undefined || text === 'Z') return 0;
  const digits = text.replace(/[^\d]/g, '').padEnd(6, '0');
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4, 6));
  return text.startsWith('-') ? -seconds : seconds;
}

/**
 * Days of the proleptic Gregorian calendar, which is PostgreSQL's. Years begin in March here, so that the
 * leap day is the last (Howard Hinnant, chrono-compatible low-level date algorithms).
 */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
