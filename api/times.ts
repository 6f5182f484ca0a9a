import { Format } from 'typebox/format';

const LAST = Date.parse('9999-12-31T23:59:59.999Z');
const FIRST = Date.parse('0001-01-01T00:00:00.000Z');

/** A moment that PostgreSQL can keep and that RFC 3339 can write: in the years 1 to 9999 of UTC. */
export function isKeepable(ms: number): boolean {
  return ms >= FIRST && ms <= LAST;
}

/**
 * Makes `format: 'date-time'` mean a time that can be kept: RFC 3339 as JavaScript reads it. A leap second is none, and
 * neither is one that a zone moves out of the year 9999.
 */
export function readTimesAsKept(): void {
  const rfc3339 = Format.IsDateTime;
  Format.Set('date-time', (text) => rfc3339(text) && isKeepable(Date.parse(text)));
}
