const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const timeZone = 'America/Los_Angeles';
const hours = new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', hourCycle: 'h23' });
const dates = new Intl.DateTimeFormat('en-CA', {
  timeZone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** A day in California, and its end: 07:00 or 08:00 UTC (threads-facts 16.3). */
export interface PacificDay {
  day: string;
  end: number;
}

/** The days that end after `since` and not after `until`. */
export function pacificDays(since: number, until: number): PacificDay[] {
  const days: PacificDay[] = [];
  let day = dates.format(since);
  for (let end = endOf(day); end <= until; end = endOf(day)) {
    days.push({ day, end });
    day = next(day);
  }
  return days;
}

function endOf(day: string): number {
  const summer = Date.parse(`${next(day)}T07:00:00Z`);
  return Number(hours.format(summer)) === 0 ? summer : summer + HOUR_MS;
}

function next(day: string): string {
  return new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
}
