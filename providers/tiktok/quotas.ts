import type { Quota } from '../quotas.ts';
import { DAY, MINUTE } from '../../durations.ts';

const perMinute = (bucket: string, limit: number, counts: Quota['counts'] = 'calls'): Quota => ({
  bucket,
  limit,
  windowMs: MINUTE,
  counts,
});

/** What TikTok counts for each access token (tiktok-facts 4.1), and for each creator in 24 hours (tiktok-facts 4.13). */
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
      'Five drafts wait in the TikTok inbox already. Finish or delete some in the TikTok app; the post goes out then.',
  },
  /** "Typically around 15", differs, and shared with other apps: only the refusal tells. */
  dailyPost: { bucket: 'daily_post', limit: null, windowMs: DAY, counts: 'accepted' },
} as const satisfies Record<string, Quota>;
