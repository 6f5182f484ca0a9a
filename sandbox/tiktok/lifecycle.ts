import { int64Id } from '../core/ids.ts';
import { parse } from '../core/json.ts';
import { creatorOf, type TikTok } from './context.ts';
import { sendPublishEvent } from './events.ts';
import { VideoCounts, VideoDetails, type Publish, type Video } from './state.ts';

export function isFinal(publish: Publish): boolean {
  return !publish.status.startsWith('PROCESSING');
}

export function registerLifecycle(tiktok: TikTok): void {
  const { jobs } = tiktok.core;
  jobs.on('tiktok.process', (id, dueAt) => process(tiktok, id, dueAt));
  jobs.on('tiktok.moderate', (id) => moderate(tiktok, id));
}

/** All bytes are here: TikTok processes them for a while. */
export function bytesComplete(tiktok: TikTok, publish: Publish): void {
  tiktok.core.jobs.at(tiktok.core.clock.now() + tiktok.options.processingMs, 'tiktok.process', publish.id);
}

export function failPublish(tiktok: TikTok, publish: Publish, reason: string): void {
  publish.status = 'FAILED';
  publish.failReason = reason;
  sendPublishEvent(tiktok, publish, 'failed', { reason });
}

function process(tiktok: TikTok, id: string, dueAt: number): void {
  const publish = tiktok.state.publishes[id];
  if (publish === undefined || isFinal(publish)) return;
  const forced = tiktok.state.failNext.shift();
  if (forced !== undefined) return failPublish(tiktok, publish, forced);
  if (creatorOf(tiktok, publish.openId).banned) {
    return failPublish(tiktok, publish, 'spam_risk_user_banned_from_posting');
  }
  if (publish.mode === 'inbox') {
    publish.status = 'SEND_TO_USER_INBOX';
    return sendPublishEvent(tiktok, publish, 'inbox_delivered');
  }
  complete(tiktok, publish, dueAt);
}

function complete(tiktok: TikTok, publish: Publish, at: number): void {
  publish.status = 'PUBLISH_COMPLETE';
  publish.completedAt = at;
  if (publish.mode === 'inbox' || tiktok.options.completeEventForDirect) {
    sendPublishEvent(tiktok, publish, 'complete');
  }
  // tiktok-facts 4.10: only a public post gets an id, after moderation.
  if (publish.postInfo['privacy_level'] !== 'PUBLIC_TO_EVERYONE') return;
  tiktok.core.jobs.at(at + tiktok.options.moderationMs, 'tiktok.moderate', publish.id);
}

function moderate(tiktok: TikTok, id: string): void {
  const publish = tiktok.state.publishes[id];
  if (publish === undefined) return;
  const postId = int64Id();
  publish.postIds.push(postId);
  const title = publish.postInfo['title'];
  addVideo(tiktok, {
    id: postId,
    openId: publish.openId,
    kind: publish.kind,
    title: typeof title === 'string' ? title : '',
    publishId: publish.id,
  });
  sendPublishEvent(tiktok, publish, 'publicly_available', { post_id: postId });
}

export function addVideo(tiktok: TikTok, video: Pick<Video, 'openId' | 'title'> & Partial<Video>): Video {
  const createdAt = tiktok.core.clock.now();
  const defaults = { ...parse(VideoCounts, {}), ...parse(VideoDetails, {}) };
  const listedAt = createdAt + tiktok.options.listLagMs;
  const made = { id: int64Id(), createdAt, listedAt, deleted: false, publishId: null };
  const added = { ...defaults, ...made, ...video };
  tiktok.state.videos.push(added);
  return added;
}

/** Whether the Display API tells it, the lag of the list aside (tiktok-facts 3.2). */
export function isVisible(video: Video): boolean {
  return video.public && !video.deleted;
}

/** The creator opens the draft in the app and posts it; one draft can be posted more than once (tiktok-facts 4.10). */
export function postDraft(tiktok: TikTok, publish: Publish, privacyLevel: string): void {
  publish.postInfo['privacy_level'] = privacyLevel;
  complete(tiktok, publish, tiktok.core.clock.now());
}

/** Changes a video. TikTok tells when one of our publishes is no longer public, and of no other video. */
export function changeVideo(tiktok: TikTok, video: Video, changes: Partial<Video>): void {
  const before = isVisible(video);
  Object.assign(video, changes);
  if (!before || isVisible(video)) return;
  const publish = video.publishId === null ? undefined : tiktok.state.publishes[video.publishId];
  if (publish === undefined) return;
  sendPublishEvent(tiktok, publish, 'no_longer_publicaly_available', { post_id: video.id });
}
