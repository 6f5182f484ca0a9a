import type { FastifyBaseLogger } from 'fastify';
import { Type } from 'typebox';
import { findAccount } from '../db/accounts.ts';
import type { Post } from '../db/posts.ts';
import { findPostByPublishId } from '../db/publish-ids.ts';
import { saveStatus } from '../db/post-progress.ts';
import { findTikTokPost } from '../db/tiktok.ts';
import { saveSettlement } from '../db/settlements.ts';
import { isFinal, POST_STATES } from '../db/schema.ts';
import { ProviderError } from '../providers/errors.ts';
import { DAY } from '../durations.ts';
import { findTikTok } from '../providers/tiktok/index.ts';
import type { Deps } from './deps.ts';
import { ApiError, apiError } from './errors.ts';
import { callProvider, takeQuota } from './provider-call.ts';
import { nullable, text } from './schemas.ts';

export const TikTokStatus = Type.Object({
  publishId: Type.String(),
  postId: Type.String(),
  state: Type.Enum([...POST_STATES]),
  status: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'TikTok’s own word.' }),
  failReason: nullable.string,
  providerPostId: nullable.string,
  permalink: nullable.string,
  uploadedBytes: nullable.integer,
  checkedAt: Type.String({ format: 'date-time', description: 'When Everpost last asked TikTok.' }),
});

const STALE_MS = 10_000;
/** For this long a published post may still become public, or be posted from the inbox. */
const MAY_CHANGE_MS = 7 * DAY;
const MOST = 10_000;

/** Reads TikTok's last known status of a publish; asks TikTok if it is stale. */
export function createStatusReader(deps: Deps) {
  const { db } = deps.database;
  /**
   * The publish ids, and when this process last asked about them: TikTok allows 30 calls a minute (tiktok-facts 4.1).
   */
  const asked = new Map<string, number>();

  return async function readStatus(log: FastifyBaseLogger, userId: string, publishId: string) {
    const post = await findPostByPublishId(db, userId, 'tiktok', publishId);
    if (post === null) throw apiError('not_found');
    let known = await findTikTokPost(db, post.id);
    const last = Math.max(asked.get(publishId) ?? 0, known?.updatedAt.getTime() ?? 0);
    if (mayChange(post) && Date.now() - last > STALE_MS) {
      remember(publishId);
      await refresh(log, post);
      known = await findTikTokPost(db, post.id);
    }
    const now = (await findPostByPublishId(db, userId, 'tiktok', publishId)) ?? post;
    return {
      publishId,
      postId: post.id,
      state: now.state,
      status: known?.status ?? null,
      failReason: known?.errorCode ?? null,
      providerPostId: now.providerPostId,
      permalink: now.permalink,
      uploadedBytes: now.sentBytes,
      checkedAt: text(new Date(Math.max(asked.get(publishId) ?? 0, known?.updatedAt.getTime() ?? 0))),
    };
  };

  function remember(publishId: string): void {
    asked.delete(publishId);
    asked.set(publishId, Date.now());
    const [oldest] = asked.keys();
    if (asked.size > MOST && oldest !== undefined) asked.delete(oldest);
  }

  /** If TikTok does not answer, the known status stays. */
  async function refresh(log: FastifyBaseLogger, post: Post): Promise<void> {
    const account = await findAccount(db, post.userId, post.oauthAccountId);
    const tiktok = findTikTok(deps.providers.all);
    if (account?.status !== 'active' || tiktok === null) return;
    const publishing = tiktok.publishing.of(post.request);
    const { openId, username, scope: scopes } = account;
    try {
      await takeQuota(deps, account, tiktok.quotas.status);
      const verdict = await callProvider(deps, account, (accessToken, signal) =>
        publishing.verdict('verdict', {
          openId,
          username,
          scopes,
          accessToken,
          media: null,
          mediaUrl: deps.mediaLinks.url,
          publishId: post.publishId,
          files: {},
          made: {},
          parts: {},
          sendsFile: false,
          signal,
        }),
      );
      // The workflow decides about an open post; a final post is completed here.
      if (verdict.kind !== 'published' || !isFinal(post.state))
        return await saveStatus(db, post, verdict.status);
      const { providerPostId, status } = verdict;
      const permalink = providerPostId === null ? null : publishing.permalink(username, providerPostId);
      await saveSettlement(db, post.id, { state: 'published', status, providerPostId, permalink });
    } catch (error) {
      if (!(error instanceof ProviderError || error instanceof ApiError)) throw error;
      log.info({ err: error }, 'TikTok did not give the status');
    }
  }
}

function mayChange({ state, providerPostId, updatedAt }: Post): boolean {
  if (!isFinal(state)) return true;
  if (state === 'failed' || state === 'cancelled' || providerPostId !== null) return false;
  return Date.now() - updatedAt.getTime() < MAY_CHANGE_MS;
}
