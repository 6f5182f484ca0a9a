import { parseJson } from './http.ts';

/* Reading answers whose shape nobody guarantees. */

/** Parsed without losing digits; null where it is no JSON. */
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

/** The objects of a list; empty where it is none. */
export function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record).filter((row) => row !== null) : [];
}

/** A non-empty string, or null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** An id: a string, or a number that was written without quotes. */
export function id(value: unknown): string | null {
  if (JSON.isRawJSON(value)) return value.rawJSON;
  return typeof value === 'number' ? String(value) : text(value);
}

/** A count or a number of seconds; null where there is none. */
export function amount(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : null;
}
