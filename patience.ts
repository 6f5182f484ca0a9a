import { HOUR } from './durations.ts';

/* How long Everpost goes on trying. May be imported by all. */

/** For events: as long as TikTok, the most patient platform, delivers one again (tiktok-facts 6.1). */
export const EVENT_PATIENCE = 72 * HOUR;

/** For posts that wait for quota, account or provider, once they are due; and for deletions. */
export const POST_PATIENCE = 72 * HOUR;

/** When a post that is due then is given up. @param asked the client's own deadline, which can only be sooner */
export function deadlineOf(due: Date, asked: Date | null): Date {
  const latest = due.getTime() + POST_PATIENCE;
  return new Date(Math.min(latest, asked?.getTime() ?? latest));
}
