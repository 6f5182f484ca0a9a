import { DAY, HOUR } from '../../durations.ts';

/*
 * Days in California: Meta's numbers of accounts are of such days, which begin and end at 07:00 or 08:00 UTC
 * (instagram-facts 7.5, threads-facts 16).
 */

const dates = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The day of a moment, as YYYY-MM-DD. */
export const pacificDay = (at: Date): string => dates.format(at);

/** When a day begins. */
export function startOf(day: string): Date {
  const summer = new Date(`${day}T07:00:00Z`);
  // The clocks change at 02:00, so a day begins with the time of the day before.
  return pacificDay(summer) === day ? summer : new Date(summer.getTime() + HOUR);
}

/** When a day ends. */
export const endOf = (day: string): Date => startOf(daysAfter(day, 1));

/** The day so many days later, or earlier. */
export function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

/** The day that ends at this moment. */
export const dayEndingAt = (end: Date): string => pacificDay(new Date(end.getTime() - 1));
