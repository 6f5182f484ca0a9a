import type { Post } from '../db/posts.ts';
import type { PostState } from '../db/schema.ts';
import { DAY, MINUTE } from '../durations.ts';
import { deadlineOf } from '../patience.ts';
import { apiError } from './errors.ts';

const LONGEST_MS = 180 * DAY;
/** The states of posts of which nothing was sent yet. All others are refused with `too_late`. */
const MAY_MOVE = new Set<PostState>(['accepted', 'scheduled', 'waiting_quota', 'waiting_account']);

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

export interface Deadlines {
  /** When Everpost gives up on the post. */
  deadlineAt: Date;
  /** The client's own deadline: the post keeps it when it is moved. */
  clientDeadlineAt: Date | null;
}

/** The deadline of a new post: at most 72 hours after it is due. @throws ApiError `invalid_schedule` */
export function deadlinesOf(deadline: string | undefined, due: Date | null, now = Date.now()): Deadlines {
  const from = Math.max(due?.getTime() ?? now, now);
  const latest = deadlineOf(new Date(from), null);
  if (deadline === undefined) return { deadlineAt: latest, clientDeadlineAt: null };
  const at = new Date(deadline);
  if (at.getTime() > from && at.getTime() <= latest.getTime() + MINUTE)
    return { deadlineAt: at, clientDeadlineAt: at };
  throw apiError('invalid_schedule', {
    message: 'deadline must be at most 72 hours after the post is due',
    userMessage: 'Choose a deadline within the 72 hours after the post is due.',
    details: { field: 'deadline' },
  });
}

/** @throws ApiError `invalid_schedule` where a post that may still be moved would be due after its client's deadline */
export function requireBeforeDeadline({ state, clientDeadlineAt }: Post, due: Date, now = Date.now()): void {
  if (clientDeadlineAt === null || !MAY_MOVE.has(state)) return;
  if (Math.max(due.getTime(), now) < clientDeadlineAt.getTime()) return;
  const deadline = clientDeadlineAt.toISOString();
  throw apiError('invalid_schedule', {
    message: `scheduledAt must be before the deadline that the post was accepted with, ${deadline}`,
    userMessage:
      'Choose a time before the deadline of the post. For a later one cancel the post and publish it anew.',
    details: { field: 'scheduledAt', deadline },
  });
}
