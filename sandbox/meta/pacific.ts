const DAY_MS = 86_400_000;
const timeZone = 'America/Los_Angeles';
const dates = new Intl.DateTimeFormat('en-CA', {
  timeZone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** A day in California; it begins and ends at 07:00 or 08:00 UTC (instagram-facts 7.5, threads-facts 16.3). */
export interface PacificDay {
  day: string;
  start: number;
  end: number;
}

/** The days that this window touches; both of its ends belong to it (instagram-facts 12). */
export function pacificDays(since: number, until: number): PacificDay[] {
  const days: PacificDay[] = [];
  for (let day = dates.format(since); startOf(day) <= until; day = next(day)) {
    days.push({ day, start: startOf(day), end: startOf(next(day)) });
  }
  return days;
}

function startOf(day: string): number {
  const summer = Date.parse(`${day}T07:00:00Z`);
  return dates.format(summer) === day ? summer : summer + DAY_MS / 24;
}

function next(day: string): string {
  return new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
}
