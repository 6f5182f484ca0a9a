import type { Quota } from '../provider.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const perMinute = (bucket: string, limit: number): Quota => ({
  bucket,
  limit,
  windowMs: MINUTE,
  counts: 'calls',
});

/** What TikTok counts for each access token (sheet section 4.1), and drafts that wait in an inbox (4.13). */
export const QUOTAS = {
  directInit: perMinute('init:direct', 6),
  inboxInit: perMinute('init:inbox', 6),
  photoInit: perMinute('init:photo', 6),
  status: perMinute('status', 30),
  creatorInfo: perMinute('creator_info', 20),
  pendingShare: { bucket: 'pending_share', limit: 5, windowMs: DAY, counts: 'accepted' },
} as const satisfies Record<string, Quota>;
