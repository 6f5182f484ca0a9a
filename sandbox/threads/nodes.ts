import { Nested, type GraphNode } from '../meta/fields.ts';
import { graphTime } from '../meta/paging.ts';
import { containerNow, type Threads } from './context.ts';
import { answersTo, ghostEnd, isApproved, isArchived, parentsOf } from './posts.ts';
import type { Container, Post, Profile } from './state.ts';
import { topicOf } from './text.ts';

const FILES = 'https://scontent.sandbox.invalid';

/** threads-facts 3: absent values are left out, never null. */
export function profileNode(profile: Profile): GraphNode {
  return {
    id: profile.id,
    username: profile.username,
    name: profile.name ?? profile.username,
    threads_profile_picture_url: profile.pictureUrl ?? `${FILES}/${profile.username}.jpg`,
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

function authorOf({ state }: Threads, { userId }: Post): Profile | undefined {
  return userId === null ? undefined : state.profiles.find(({ id }) => id === userId);
}

/** A username can change: that of a profile is the present one (threads-facts 6.3). */
function usernameOf(threads: Threads, post: Post): string {
  return authorOf(threads, post)?.username ?? post.username;
}

export function hasPublicAuthor(threads: Threads, post: Post): boolean {
  return !(authorOf(threads, post)?.private ?? post.privateAuthor);
}

export function permalinkOf(threads: Threads, post: Post): string {
  return `https://${threads.options.permalinkHost}/@${usernameOf(threads, post)}/post/${post.shortcode}`;
}

/** threads-facts 6.2, as its owner sees it; the owner of other people's posts is not shown. */
export function postNode(threads: Threads, post: Post, viewer: string): GraphNode {
  const { core, options } = threads;
  const own = post.userId === viewer;
  const isLinked = core.clock.now() >= post.createdAt + options.permalinkMs;
  const named = own || hasPublicAuthor(threads, post);
  const username = usernameOf(threads, post);
  return {
    id: post.id,
    media_product_type: 'THREADS',
    media_type: post.kind,
    ...files(post),
    permalink: isLinked && named && !post.copyright ? permalinkOf(threads, post) : undefined,
    owner: own && post.userId !== null ? new Nested('ThreadsUser', { id: post.userId }) : undefined,
    username: named ? username : undefined,
    is_verified: named ? (authorOf(threads, post)?.verified ?? false) : undefined,
    profile_picture_url: named
      ? (authorOf(threads, post)?.pictureUrl ?? `${FILES}/${username}.jpg`)
      : undefined,
    text: post.kind === 'REPOST_FACADE' ? '' : options.trimText ? post.text.trim() : post.text,
    timestamp: graphTime(post.createdAt),
    shortcode: post.shortcode,
    is_quote_post: post.params['quote_post_id'] !== undefined,
    has_replies: answersTo(threads, post.id).some((one) => one.deletedAt === null && isApproved(one)),
    ...optional(post),
    reposted_post: refer(post.repostOf),
    quoted_post: refer(post.params['quote_post_id'] ?? null),
    ...ghostFields(threads, post),
    ...replyFields(threads, post, own),
  };
}

const EXTENSIONS: Record<string, string> = { IMAGE: 'jpg', VIDEO: 'mp4', AUDIO: 'm4a' };

function files({ id, kind, copyright, children }: Post): GraphNode {
  const extension = EXTENSIONS[kind];
  const url = extension === undefined || copyright ? undefined : `${FILES}/${id}.${extension}`;
  const items = children.map((child) => ({
    id: child.id,
    media_type: child.kind,
    media_url: copyright ? undefined : `${FILES}/${child.id}`,
    alt_text: child.altText === '' ? undefined : child.altText,
  }));
  return {
    media_url: url,
    thumbnail_url: kind === 'VIDEO' && url !== undefined ? `${url}.jpg` : undefined,
    children: items.length === 0 ? undefined : new Nested('ThreadsMedia', items),
  };
}

/** threads-facts 6.2 and 16.7. */
function ghostFields(threads: Threads, post: Post): GraphNode {
  const end = ghostEnd(post);
  if (end === null) return { ghost_post_status: undefined, ghost_post_expiration_timestamp: undefined };
  return {
    ghost_post_status: isArchived(threads, post) ? 'ARCHIVED' : 'ACTIVE',
    ghost_post_expiration_timestamp: graphTime(end),
  };
}

/** threads-facts 6.3. */
function replyFields(threads: Threads, post: Post, own: boolean): GraphNode {
  const reply = post.replyTo !== null;
  return {
    is_reply: reply,
    is_reply_owned_by_me: reply ? own : undefined,
    root_post: refer(post.rootId),
    replied_to: refer(post.replyTo),
    hide_status: reply ? hideStatusOf(threads, post) : undefined,
    reply_approval_status: post.approval === 'none' ? undefined : post.approval,
  };
}

/** What is below a hidden reply is hidden too (threads-facts 6.4). */
function hideStatusOf(threads: Threads, post: Post): Post['hideStatus'] {
  const hidden = parentsOf(threads, post).some(({ hideStatus }) => hideStatus === 'HIDDEN');
  return hidden ? 'HIDDEN' : post.hideStatus;
}

function refer(id: string | null): Nested | undefined {
  return id === null ? undefined : new Nested('ThreadsMedia', { id });
}

/** Written under one name, read under another (threads-facts 6.2). */
function optional({ createdAt, params }: Post): GraphNode {
  return {
    alt_text: params['alt_text'],
    link_attachment_url: params['link_attachment'],
    topic_tag: topicOf(params),
    location_id: params['location_id'],
    location: params['location_id'] === undefined ? undefined : location(params['location_id']),
    gif_url: params['gif_attachment'] === undefined ? undefined : 'https://media.sandbox.invalid/gif',
    is_spoiler_media: params['is_spoiler_media'] === 'true' ? true : undefined,
    text_attachment: object('TextAttachment', params['text_attachment'], [
      'plaintext',
      'link_attachment_url',
      'text_with_styling_info',
    ]),
    text_entities: entities(params['text_entities']),
    allowlisted_country_codes: params['allowlisted_country_codes']?.split(','),
    reply_audience: (params['reply_control'] ?? 'everyone').toUpperCase(),
    poll_attachment: poll(params['poll_attachment'], createdAt),
  };
}

function location(id: string): Nested {
  const names = ['address', 'name', 'city', 'country', 'latitude', 'longitude', 'postal_code'];
  return new Nested('Location', { ...known(names), id, name: `Place ${id}` });
}

function entities(text: string | undefined): Nested | undefined {
  if (text === undefined) return undefined;
  const list: GraphNode[] = JSON.parse(text);
  return new Nested('TextEntity', list, ['entity_type', 'offset', 'length']);
}

function object(type: string, text: string | undefined, names: string[]): Nested | undefined {
  if (text === undefined) return undefined;
  const given: GraphNode = JSON.parse(text);
  return new Nested(type, { ...known(names), ...given }, names);
}

/** Votes are only sent when the request names them (threads-facts 6.2). */
function poll(text: string | undefined, createdAt: number): Nested | undefined {
  if (text === undefined) return undefined;
  const given: GraphNode = JSON.parse(text);
  const options = ['option_a', 'option_b', 'option_c', 'option_d'];
  const asked = options.filter((option) => given[option] !== undefined);
  const votes = Object.fromEntries(asked.map((option) => [`${option}_votes_percentage`, 0]));
  const fields = known([...options, ...options.map((option) => `${option}_votes_percentage`)]);
  const end = graphTime(createdAt + 86_400_000);
  return new Nested(
    'Poll',
    { ...fields, ...given, ...votes, total_votes: 0, expiration_timestamp: end },
    asked,
  );
}

/** Fields that exist and have no value. */
function known(names: string[]): GraphNode {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
