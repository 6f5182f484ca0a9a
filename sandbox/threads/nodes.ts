import { Nested, type GraphNode } from '../meta/fields.ts';
import { graphTime } from '../meta/paging.ts';
import { containerNow, type Threads } from './context.ts';
import type { Container, Post, Profile } from './state.ts';
import { topicOf } from './text.ts';

/** threads-facts 3: absent values are left out, never null. */
export function profileNode(profile: Profile): GraphNode {
  return {
    id: profile.id,
    username: profile.username,
    name: profile.name ?? profile.username,
    threads_profile_picture_url: `https://scontent.sandbox.invalid/${profile.username}.jpg`,
    threads_biography: profile.biography === '' ? undefined : profile.biography,
    is_verified: profile.verified,
    is_eligible_for_geo_gating: profile.geoGating,
    recently_searched_keywords: [],
  };
}

/** threads-facts 4.4. The id of the post is not part of it. */
export function containerNode(threads: Threads, found: Container): GraphNode {
  const { id, status, errorMessage } = containerNow(threads, found);
  return { id, status, error_message: errorMessage ?? undefined };
}

export function permalinkOf({ options }: Threads, { username, shortcode }: Post): string {
  return `https://${options.permalinkHost}/@${username}/post/${shortcode}`;
}

const URL_FIELDS: Record<string, string> = { IMAGE: 'jpg', VIDEO: 'mp4' };

/** threads-facts 6.2, as its owner sees it; the owner of other people's posts is not shown. */
export function postNode(threads: Threads, post: Post, viewer: string): GraphNode {
  const { core, options, state } = threads;
  const linked = core.clock.now() >= post.createdAt + options.permalinkMs;
  const own = post.userId === viewer;
  const extension = URL_FIELDS[post.kind];
  const reply = post.replyTo !== null;
  const children = post.children.map((child) => ({
    id: child.id,
    media_type: child.kind,
    media_url: `https://scontent.sandbox.invalid/${child.id}`,
    alt_text: child.altText === '' ? undefined : child.altText,
  }));
  return {
    id: post.id,
    media_product_type: 'THREADS',
    media_type: post.kind,
    media_url:
      extension === undefined ? undefined : `https://scontent.sandbox.invalid/${post.id}.${extension}`,
    permalink: linked ? permalinkOf(threads, post) : undefined,
    owner: own && post.userId !== null ? new Nested('ThreadsUser', { id: post.userId }) : undefined,
    username: post.username,
    text: post.kind === 'REPOST_FACADE' ? '' : threads.options.trimText ? post.text.trim() : post.text,
    timestamp: graphTime(post.createdAt),
    shortcode: post.shortcode,
    thumbnail_url: post.kind === 'VIDEO' ? `https://scontent.sandbox.invalid/${post.id}.mp4.jpg` : undefined,
    children: children.length === 0 ? undefined : new Nested('ThreadsMedia', children),
    is_quote_post: post.params['quote_post_id'] !== undefined,
    has_replies: state.posts.some(({ replyTo }) => replyTo === post.id),
    ...optional(post),
    is_reply: reply,
    is_reply_owned_by_me: reply ? own : undefined,
    root_post: refer(post.rootId),
    replied_to: refer(post.replyTo),
    reposted_post: refer(post.repostOf),
    quoted_post: refer(post.params['quote_post_id'] ?? null),
    hide_status: reply ? (post.hidden ? 'HIDDEN' : 'NOT_HUSHED') : undefined,
    reply_approval_status: post.approval === 'none' ? undefined : post.approval,
  };
}

function refer(id: string | null): Nested | undefined {
  return id === null ? undefined : new Nested('ThreadsMedia', { id });
}

/** Written under one name, read under another (threads-facts 6.2). */
function optional({ params }: Post): GraphNode {
  const poll = params['poll_attachment'];
  const options: object = poll === undefined ? {} : JSON.parse(poll);
  return {
    alt_text: params['alt_text'],
    link_attachment_url: params['link_attachment'],
    topic_tag: topicOf(params),
    location_id: params['location_id'],
    gif_url: params['gif_attachment'] === undefined ? undefined : 'https://media.sandbox.invalid/gif',
    is_spoiler_media: params['is_spoiler_media'] === 'true' ? true : undefined,
    text_attachment: params['text_attachment'],
    text_entities: params['text_entities'],
    reply_audience: (params['reply_control'] ?? 'everyone').toUpperCase(),
    ghost_post_status: params['is_ghost_post'] === 'true' ? 'ACTIVE' : undefined,
    // Votes are only sent when the request names them (threads-facts 6.2).
    poll_attachment:
      poll === undefined
        ? undefined
        : new Nested(
            'Poll',
            { ...options, total_votes: 0, expiration_timestamp: undefined },
            Object.keys(options),
          ),
  };
}
