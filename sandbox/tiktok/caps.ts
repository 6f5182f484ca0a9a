import { creatorOf, type TikTok } from './context.ts';
import type { Publish } from './state.ts';

const DAY_MS = 86_400_000;

interface Cap {
  http: number;
  code: string;
  message: string;
}

const cap = (code: string, message: string): Cap => ({ http: 403, code, message });

function lastDay(tiktok: TikTok): Publish[] {
  const since = tiktok.core.clock.now() - DAY_MS;
  return Object.values(tiktok.state.publishes).filter(({ createdAt }) => createdAt > since);
}

export function bannedCap(tiktok: TikTok, openId: string): Cap | undefined {
  if (!creatorOf(tiktok, openId).banned) return undefined;
  return cap('spam_risk_user_banned_from_posting', 'The user is banned from making new posts.');
}

/** tiktok-facts 4.13: the cap that blocks a creator's next direct post, whatever it contains. */
export function directPostCap(tiktok: TikTok, openId: string): Cap | undefined {
  const direct = lastDay(tiktok).filter(({ mode, status }) => mode === 'direct' && status !== 'FAILED');
  const mine = direct.filter((publish) => publish.openId === openId);
  const limit = creatorOf(tiktok, openId).dailyPostCap ?? tiktok.options.dailyPostCap;
  if (mine.length >= limit) {
    return cap(
      'spam_risk_too_many_posts',
      'The daily post cap from the API is reached for the current user.',
    );
  }
  // An unaudited client serves five creators a day (tiktok-facts 4.13).
  const activeUserCap = tiktok.options.activeUserCap ?? (tiktok.options.audited ? null : 5);
  const users = new Set(direct.map((publish) => publish.openId));
  if (activeUserCap !== null && !users.has(openId) && users.size >= activeUserCap) {
    return cap('reached_active_user_cap', 'The daily quota for active publishing users is reached.');
  }
  return undefined;
}

/** Drafts that the creator has not posted yet; whether failed ones still count is UNCONFIRMED (tiktok-facts 4.13). */
export function pendingShareCap(tiktok: TikTok, openId: string): Cap | undefined {
  const pending = lastDay(tiktok).filter(({ mode, status, ...publish }) => {
    if (mode !== 'inbox' || publish.openId !== openId || status === 'PUBLISH_COMPLETE') return false;
    return status !== 'FAILED' || tiktok.options.failedDraftsCount;
  });
  if (pending.length < tiktok.options.pendingShareCap) return undefined;
  return cap(
    'spam_risk_too_many_pending_share',
    'There may be at most 5 pending shares within any 24-hour period.',
  );
}
