/* Lengths of time, in milliseconds. Imports nothing, may be imported by all. */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
