import type { Quota } from '../quotas.ts';
import { DAY, MINUTE } from '../../durations.ts';

const perMinute = (bucket: string, limit: number, counts: Quota['counts'] = 'calls'): Quota => ({
  bucket,
  limit,
  windowMs: MINUTE,
  counts,
});

/** TikTok's limits for each access token (tiktok-facts 4.1) and for each creator in 24 hours (tiktok-facts 4.13). */
export const QUOTAS = {
  directInit: perMinute('init:direct', 6),
  inboxInit: perMinute('init:inbox', 6),
  photoInit: perMinute('init:photo', 6),
  status: perMinute('status', 30),
  creatorInfo: perMinute('creator_info', 20, 'preflights'),
  pendingShare: {
    bucket: 'pending_share',
    limit: 5,
    windowMs: DAY,
    counts: 'accepted',
    userMessage:
      'Five drafts are already waiting in the TikTok inbox. Finish or delete some in the TikTok app, and the post will be sent.',
  },
  /** "Typically around 15", varies, and includes posts of other apps: only a refusal shows that it is used up. */
  dailyPost: { bucket: 'daily_post', limit: null, windowMs: DAY, counts: 'accepted' },
} as const satisfies Record<string, Quota>;
