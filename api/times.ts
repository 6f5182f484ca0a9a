import { Format } from 'typebox/format';

const LAST = Date.parse('9999-12-31T23:59:59.999Z');
const FIRST = Date.parse('0001-01-01T00:00:00.000Z');

/** Whether both PostgreSQL and RFC 3339 can represent a time: years 1 to 9999 in UTC. */
export function isKeepable(ms: number): boolean {
  return ms >= FIRST && ms <= LAST;
}

/**
 * Restricts `format: 'date-time'` to storable times: RFC 3339 as JavaScript parses it. Leap seconds are invalid, and so
 * are times that a time zone moves out of year 9999.
 */
export function readTimesAsKept(): void {
  const rfc3339 = Format.IsDateTime;
  Format.Set('date-time', (text) => rfc3339(text) && isKeepable(Date.parse(text)));
}
