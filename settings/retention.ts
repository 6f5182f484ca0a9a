import type { Reader } from './reader.ts';

const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const LONGEST_MS = 10_000 * UNITS_MS.d;

/** @returns how long to keep files that no open post needs; null: forever */
export function readRetention({ value, problem }: Reader<'EVERPOST_MEDIA_RETENTION'>): number | null {
  const text = value('EVERPOST_MEDIA_RETENTION');
  if (text === '') return null;
  const ms = durationMs(text);
  if (ms === null)
    problem('EVERPOST_MEDIA_RETENTION must be a duration from 1s to 10000d, such as 30d, 12h, 90m or P30D');
  return ms;
}

/** Parses `30d`, `12 hours`, or ISO 8601: `P30D`, `PT12H`. @returns null if it is no duration or out of range */
function durationMs(text: string): number | null {
  const [, days, hours] = /^P(?:(\d+)D)?(?:T(\d+)H)?$/i.exec(text) ?? [];
  const [, count, unit] =
    /^(\d+) ?(s|m|h|d|w)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?|ays?|eeks?)?$/i.exec(text) ?? [];
  const ms =
    unit === undefined
      ? Number(days ?? 0) * UNITS_MS.d + Number(hours ?? 0) * UNITS_MS.h
      : Number(count) * UNITS_MS[unitOf(unit)];
  return ms >= UNITS_MS.s && ms <= LONGEST_MS ? ms : null;
}

function unitOf(letter: string): keyof typeof UNITS_MS {
  const lower = letter.toLowerCase();
  if (lower === 's' || lower === 'm' || lower === 'h' || lower === 'd') return lower;
  return 'w';
}
