import type { TikTok } from './context.ts';
import { isFinal } from './lifecycle.ts';
import type { Publish } from './state.ts';

/** A direct publish is live exactly when TikTok says PUBLISH_COMPLETE. */
function isLive({ mode, status }: Publish): boolean {
  return mode === 'direct' && status === 'PUBLISH_COMPLETE';
}

export function publishView({ upload, postIds, ...publish }: Publish) {
  return {
    ...publish,
    live: isLive({ ...publish, upload, postIds }),
    postId: postIds.at(-1) ?? null,
    postIds,
    videoSize: upload?.videoSize ?? null,
    chunkSize: upload?.chunkSize ?? null,
    chunkCount: upload?.chunkCount ?? null,
    chunks: upload?.chunks ?? [],
    contentType: upload?.contentType ?? null,
    uploadExpiresAt: upload?.expiresAt ?? null,
  };
}

/** The truth for tests to compare with. Filters: `openId`, `title`. */
export function countPublishes(tiktok: TikTok, filter: URLSearchParams) {
  const openId = filter.get('openId');
  const title = filter.get('title');
  const found = Object.values(tiktok.state.publishes).filter(
    (publish) =>
      (openId === null || publish.openId === openId) &&
      (title === null || publish.postInfo['title'] === title),
  );
  const drafts = found.filter(({ mode }) => mode === 'inbox');
  return {
    total: found.length,
    live: found.filter(isLive).length,
    delivered: drafts.filter(({ status }) => status === 'SEND_TO_USER_INBOX' || status === 'PUBLISH_COMPLETE')
      .length,
    draftsPosted: drafts.filter(({ status }) => status === 'PUBLISH_COMPLETE').length,
    failed: found.filter(({ status }) => status === 'FAILED').length,
    open: found.filter((publish) => !isFinal(publish)).length,
  };
}
