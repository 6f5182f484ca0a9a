import { HOUR } from './durations.ts';

/* How long Everpost keeps trying. Any folder may import this. */

/** For events: as long as TikTok, the most patient platform, redelivers one (tiktok-facts 6.1). */
export const EVENT_PATIENCE = 72 * HOUR;

/** For deletions, and for posts that wait for quota, account or provider once they are due. */
export const POST_PATIENCE = 72 * HOUR;

/**
 * When a post that is due at this time is abandoned. @param asked the client's own deadline, which can only be sooner
 */
export function deadlineOf(due: Date, asked: Date | null): Date {
  const latest = due.getTime() + POST_PATIENCE;
  return new Date(Math.min(latest, asked?.getTime() ?? latest));
}
