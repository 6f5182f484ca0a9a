import { Nested, type Edge, type GraphNode } from '../meta/fields.ts';
import { graphTime } from '../meta/paging.ts';
import type { Stack } from './access.ts';
import { accountOf, containerNow, mediaOf, type Instagram } from './context.ts';
import type { GraphRequest } from './graph.ts';
import { edgePaging } from './pages.ts';
import type { Account } from './people.ts';
import type { Comment, Container, Media } from './state.ts';

/** instagram-facts 7.6. `account_type` and `user_id` are only valid with Instagram Login (instagram-facts 9.10). */
export function accountNode(instagram: Instagram, account: Account, stack: Stack): GraphNode {
  const shared = {
    username: account.username,
    name: account.name ?? account.username,
    biography: account.biography,
    website: account.website === '' ? undefined : account.website,
    profile_picture_url: account.pictureUrl ?? `https://scontent.sandbox.invalid/${account.username}.jpg`,
    followers_count: account.followers,
    follows_count: account.follows,
    media_count: account.mediaCount ?? mediaOf(instagram, account.id).length,
    has_profile_pic: true,
    is_published: true,
  };
  if (stack === 'facebook') return { id: account.id, ...shared, legacy_instagram_user_id: account.scopedId };
  return { id: account.scopedId, user_id: account.id, account_type: account.accountType, ...shared };
}

/** instagram-facts 4.3. The media id is not part of it (instagram-facts 4.4). */
export function containerNode(instagram: Instagram, found: Container): GraphNode {
  const container = containerNow(instagram, found);
  const { status, statusText, upload } = container;
  const empty = status === 'ERROR' && instagram.options.statusCodeOnError === 'empty';
  return {
    id: container.id,
    status_code: empty ? '' : status,
    status: statusText ?? STATUS_TEXTS[status],
    copyright_check_status: { status: 'completed', matches_found: false },
    video_status: upload === null ? undefined : videoStatus(container, upload),
  };
}

const STATUS_TEXTS: Record<Container['status'], string> = {
  IN_PROGRESS: 'In progress: Media is still being processed.',
  FINISHED: 'Finished: Media has been uploaded and it is ready to be published.',
  ERROR: 'Error: Media upload has failed.',
  EXPIRED: 'Expired: Media was not published within 24 hours.',
  PUBLISHED: 'Published: Media has been published.',
};

function videoStatus({ status }: Container, upload: NonNullable<Container['upload']>): object {
  const uploading = upload.complete ? 'complete' : upload.received > 0 ? 'in_progress' : 'not_started';
  const processing = status === 'ERROR' ? 'error' : status === 'IN_PROGRESS' ? 'in_progress' : 'complete';
  return {
    uploading_phase: { status: uploading, bytes_transferred: upload.received },
    processing_phase: { status: upload.complete ? processing : 'not_started' },
  };
}

export function permalinkOf({ productType, shortcode }: Media): string {
  const folder = productType === 'REELS' ? 'reel' : 'p';
  return `https://www.instagram.com/${folder}/${shortcode}/`;
}

/** instagram-facts 7.2. */
export function mediaNode(instagram: Instagram, media: Media, stack: Stack): GraphNode {
  const { core, options } = instagram;
  const account = accountOf(instagram, media.accountId);
  const linked = core.clock.now() >= media.createdAt + options.permalinkMs;
  const isVideo = media.mediaType === 'VIDEO';
  const url = `https://scontent.sandbox.invalid/${media.id}.${isVideo ? 'mp4' : 'jpg'}`;
  const children = media.children.map((child) => childNode(instagram, media, child));
  const comments = commentsCount(instagram, media);
  return {
    id: media.id,
    ig_id: media.id,
    alt_text: media.altText ?? undefined,
    caption: media.caption === '' ? undefined : media.caption,
    comments_count: comments,
    like_count: media.likes,
    view_count: media.views,
    media_type: media.mediaType,
    media_product_type: media.productType,
    media_url: url,
    thumbnail_url: isVideo ? `${url}.jpg` : undefined,
    permalink: linked ? permalinkOf(media) : undefined,
    shortcode: media.shortcode,
    timestamp: graphTime(media.createdAt),
    username: account.username,
    owner: new Nested('IGUser', { id: account.id, username: account.username }),
    children: children.length === 0 ? undefined : new Nested('IGMedia', children),
    is_comment_enabled: media.commentsEnabled,
    is_shared_to_feed: media.productType === 'REELS' ? media.shareToFeed : undefined,
    is_ai_generated: false,
    legacy_instagram_media_id: media.id,
    audio_id: undefined,
    media_audio_type: undefined,
    video_title: undefined,
    copyright_check_information: undefined,
    boost_eligibility_info: undefined,
    ...(stack === 'facebook' ? facebookCounts(media, comments, isVideo) : {}),
  };
}

/** The counts that Instagram Login refuses (instagram-facts 12). */
function facebookCounts(media: Media, comments: number, isVideo: boolean): GraphNode {
  return {
    reposts_count: media.reposts,
    saved_count: media.saved,
    shares_count: media.shares,
    total_like_count: media.likes,
    total_comments_count: comments,
    total_views_count: isVideo ? media.views : undefined,
  };
}

/** With replies, and with comments that no list has (instagram-facts 12). */
export function commentsCount({ state }: Instagram, { id, commentsCount: told }: Media): number {
  return told ?? state.comments.filter(({ mediaId }) => mediaId === id).length;
}

/** A picture or video of an album: it has no permalink and no counts (instagram-facts 7.2). */
export function childNode(instagram: Instagram, album: Media, child: Media['children'][number]): GraphNode {
  const { id, username } = accountOf(instagram, album.accountId);
  const url = `https://scontent.sandbox.invalid/${child.id}`;
  return {
    id: child.id,
    ig_id: child.id,
    media_type: child.mediaType,
    media_product_type: album.productType,
    media_url: url,
    thumbnail_url: child.mediaType === 'VIDEO' ? `${url}.jpg` : undefined,
    alt_text: child.altText === '' ? undefined : child.altText,
    timestamp: graphTime(album.createdAt),
    username,
    owner: new Nested('IGUser', { id, username }),
    caption: undefined,
    shortcode: undefined,
    like_count: undefined,
    comments_count: undefined,
    is_comment_enabled: undefined,
    is_shared_to_feed: undefined,
    children: undefined,
  };
}

/** instagram-facts 7.3: `username` and `from` need the scope for comments. */
export function commentNode(
  instagram: Instagram,
  request: GraphRequest,
  comment: Comment,
  withAuthor: boolean,
): GraphNode {
  const replies = shownReplies(instagram, comment);
  const nodes = replies.map((reply) => commentNode(instagram, request, reply, withAuthor));
  const media = instagram.state.media.find(({ id }) => id === comment.mediaId);
  const product = media?.productType;
  return {
    id: comment.id,
    text: comment.text,
    timestamp: graphTime(comment.createdAt),
    like_count: comment.likes,
    hidden: comment.hidden,
    parent_id: comment.parentId ?? undefined,
    username: withAuthor ? comment.username : undefined,
    from: withAuthor ? { id: comment.fromId, username: comment.username } : undefined,
    user: comment.own && media ? { id: media.accountId } : undefined,
    media: new Nested('IGMedia', { id: comment.mediaId, media_product_type: product }),
    replies:
      nodes.length === 0
        ? undefined
        : new Nested('IGComment', nodes, ['timestamp', 'text', 'id'], replyEdge(instagram, request, comment)),
  };
}

/** The replies that the API shows, newest first. */
export function shownReplies({ state }: Instagram, { id }: Comment): Comment[] {
  return newestFirst(state.comments.filter(({ parentId, withheld }) => parentId === id && !withheld));
}

export function newestFirst(comments: Comment[]): Comment[] {
  return comments.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
}

/** An expansion has one page of replies, and says where its edge goes on. */
function replyEdge({ options }: Instagram, { call, params }: GraphRequest, { id }: Comment): Edge {
  const [, root] = /^(\/[^/]+(?:\/v\d+\.\d+)?)/.exec(call.url.pathname) ?? [];
  const edge = { ...call, url: new URL(`${root}/${id}/replies`, call.url) };
  return {
    size: options.repliesExpanded,
    paging: (page, isLast) => edgePaging(edge, params.get('access_token'), page, isLast),
  };
}
