import { DAY, HOUR, MINUTE } from '../durations.ts';
import { apiError } from './errors.ts';

const LONGEST_MS = 180 * DAY;
/** How long a post waits for quota, account or provider after it was due. */
const PATIENCE_MS = 72 * HOUR;

/**
 * The time when a post is due: from now, with a minute of grace for clocks, to 180 days ahead. @throws ApiError
 * `invalid_schedule`
 */
export function dueAt(scheduledAt: string, now = Date.now()): Date {
  const at = new Date(scheduledAt);
  const ms = at.getTime() - now;
  if (ms < -MINUTE)
    throw apiError('invalid_schedule', {
      message: 'scheduledAt is in the past',
      details: { field: 'scheduledAt' },
    });
  if (!(ms <= LONGEST_MS))
    throw apiError('invalid_schedule', {
      message: 'scheduledAt is more than 180 days ahead',
      details: { field: 'scheduledAt' },
    });
  return at;
}

/** The time when Everpost gives up on a post: at most 72 hours after it is due. @throws ApiError `invalid_schedule` */
export function deadlineAt(deadline: string | undefined, due: Date | null, now = Date.now()): Date {
  const from = Math.max(due?.getTime() ?? now, now);
  const latest = from + PATIENCE_MS;
  if (deadline === undefined) return new Date(latest);
  const at = Date.parse(deadline);
  if (at > from && at <= latest + MINUTE) return new Date(at);
  throw apiError('invalid_schedule', {
    message: 'deadline must be at most 72 hours after the post is due',
    userMessage: 'Choose a deadline within the 72 hours after the post is due.',
    details: { field: 'deadline' },
  });
}
