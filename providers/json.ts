import { parseJson } from './http.ts';

/* Readers for answers whose shape is not guaranteed. */

/** Parses JSON without losing digits; null if it is not JSON. */
export function tryParse(json: string): unknown {
  try {
    return parseJson(json);
  } catch {
    return null;
  }
}

/** An object, or null. */
export function record(value: unknown): Readonly<Record<string, unknown>> | null {
  const none = typeof value !== 'object' || value === null || Array.isArray(value) || JSON.isRawJSON(value);
  return none ? null : { ...value };
}

/** The objects of a list; empty if it is not a list. */
export function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record).filter((row) => row !== null) : [];
}

/** A non-empty string, or null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Longer strings are not ids, and do not fit into a PostgreSQL index. */
const LONGEST_ID = 500;

/** An id: a string, or an unquoted number. */
export function id(value: unknown): string | null {
  const written = JSON.isRawJSON(value)
    ? value.rawJSON
    : typeof value === 'number'
      ? String(value)
      : text(value);
  return written === null || written.length > LONGEST_ID ? null : written;
}

/** A name or a word, cut at a length that no platform exceeds; null if there is none. */
export function word(value: unknown): string | null {
  return text(value)?.slice(0, 200).toWellFormed() ?? null;
}

/** 68 years, in seconds, and the largest integer that our columns hold. */
const MOST = 2_147_483_647;

/** A count or a number of seconds, as a whole number; null if there is none. */
export function amount(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number) || number < 0) return null;
  return Math.min(Math.ceil(number), MOST);
}

const YEAR_2000_S = 946_684_800;
const YEAR_9999_S = 253_402_300_799;

/** A time given in seconds since 1970; null if there is none, or if it is implausible. */
export function moment(value: unknown): Date | null {
  const seconds = typeof value === 'number' ? value : Number.NaN;
  return seconds >= YEAR_2000_S && seconds <= YEAR_9999_S ? new Date(seconds * 1000) : null;
}

/** A count of any size that a double holds exactly; null if there is none: that is not 0. */
export function counter(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}
