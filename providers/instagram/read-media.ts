import type { Item } from '../../reading.ts';
import { counter, id, record, records, text } from '../json.ts';
import { graphTime, isMissing, rawOf } from '../meta/reads.ts';
import { ProviderError } from '../errors.ts';
import type { Confirmed, Page, Question, ReadCall } from '../reading.ts';
import type { Login } from './client.ts';
import { createReads, type Json, type Reads, unreadableList } from './reads.ts';

/* The profile of an account, and the lists of its media and stories (instagram-facts 7 and 12). */

const PROFILE_FIELDS = [
  'id',
  'username',
  'name',
  'biography',
  'website',
  'profile_picture_url',
  'followers_count',
  'follows_count',
  'media_count',
];

export async function readProfile(login: Login, call: ReadCall): Promise<Page> {
  const reads = createReads(login, call);
  const fields = [...PROFILE_FIELDS, ...login.tells.profileFields].join(',');
  const answer = await reads.get(`/${call.openId}`, { fields });
  // The documentation of Instagram Login wraps it in a list (instagram-facts 3).
  const row = records(answer['data'])[0] ?? answer;
  if ((id(row['user_id']) ?? id(row['id'])) !== call.openId)
    throw unreadableList('the profile is of another account');
  const item: Item = {
    id: call.openId,
    at: null,
    values: {
      username: text(row['username']),
      displayName: text(row['name']),
      biography: text(row['biography']),
      website: text(row['website']),
      pictureUrl: text(row['profile_picture_url']),
      followers: counter(row['followers_count']),
      following: counter(row['follows_count']),
      mediaCount: counter(row['media_count']),
    },
    raw: rawOf(row),
  };
  return { items: [item], next: null, ...reads.told() };
}

const MEDIA_FIELDS = [
  'id',
  'caption',
  'media_type',
  'media_product_type',
  'media_url',
  'thumbnail_url',
  'permalink',
  'shortcode',
  'timestamp',
  'is_comment_enabled',
  'like_count',
  'comments_count',
];
const CHILDREN = 'children{id,media_type,media_url,thumbnail_url,timestamp}';

/** One page of the media, or of the stories that live now. */
export async function readMedia(
  login: Login,
  list: 'media' | 'stories',
  { cursor, limit }: Question,
  call: ReadCall,
): Promise<Page> {
  const reads = createReads(login, call);
  const fields = [...MEDIA_FIELDS, ...login.tells.mediaFields, ...(list === 'media' ? [CHILDREN] : [])];
  const answer = await reads.get(`/${call.openId}/${list}`, {
    fields: fields.join(','),
    limit: String(limit),
    ...(cursor === null ? {} : { after: cursor }),
  });
  const rows = rowsOf(answer);
  if (rows.some((row) => text(row['media_product_type']) === 'STORY' && list === 'media'))
    throw unreadableList('the list of media holds stories');
  const readAt = new Date();
  const items = rows.flatMap((row) => mediaOf(row, list, readAt));
  return { items, next: nextAfter(answer), ...reads.told() };
}

/** The rows of a list. @throws ProviderError if the answer is none */
export function rowsOf(answer: Json): Json[] {
  if (!Array.isArray(answer['data'])) throw unreadableList('the answer is no list');
  return records(answer['data']);
}

/**
 * Where a list goes on: only a missing `paging.next` ends it; the last page may carry cursors (instagram-facts 12).
 * `next` itself holds the token.
 */
export function nextAfter(answer: Json): string | null {
  const paging = record(answer['paging']);
  const next = text(paging?.['next']);
  if (next === null) return null;
  const told = text(record(paging?.['cursors'])?.['after']);
  const after = told ?? (URL.canParse(next) ? text(new URL(next).searchParams.get('after')) : null);
  if (after === null) throw unreadableList('the list goes on, but does not say where');
  return after;
}

const COUNTS = {
  likes: 'like_count',
  comments: 'comments_count',
  saved: 'saved_count',
  shares: 'shares_count',
  reposts: 'reposts_count',
  total_likes: 'total_like_count',
  total_comments: 'total_comments_count',
  total_views: 'total_views_count',
};

/** A media, and the children of an album behind it. */
function mediaOf(row: Json, list: 'media' | 'stories', readAt: Date): Item[] {
  const mediaId = id(row['id']);
  if (mediaId === null) return [];
  const at = graphTime(row['timestamp']);
  const told = Object.entries(COUNTS).flatMap(([metric, field]) => {
    const count = counter(row[field]);
    return count === null ? [] : [[metric, count] as const];
  });
  const { likes, comments, saved, shares, reposts }: Record<string, number | undefined> =
    Object.fromEntries(told);
  const item: Item = {
    id: mediaId,
    at,
    values: {
      ...filesOf(row, readAt),
      productType: text(row['media_product_type']) ?? (list === 'stories' ? 'STORY' : null),
      shortcode: text(row['shortcode']),
      caption: text(row['caption']),
      permalink: text(row['permalink']),
      timestamp: at,
      commentEnabled: typeof row['is_comment_enabled'] === 'boolean' ? row['is_comment_enabled'] : null,
      likeCount: likes ?? null,
      commentsCount: comments ?? null,
      savedCount: saved ?? null,
      sharesCount: shares ?? null,
      repostsCount: reposts ?? null,
      parentIgId: null,
      childIndex: null,
    },
    metrics: Object.fromEntries(told),
    raw: rawOf(row),
  };
  return [item, ...childrenOf(row, mediaId, at, readAt)];
}

function filesOf(row: Json, readAt: Date): Item['values'] {
  return {
    mediaType: text(row['media_type']),
    mediaUrl: text(row['media_url']),
    thumbnailUrl: text(row['thumbnail_url']),
    urlsReadAt: readAt,
  };
}

/** The pictures and videos of an album; they have no counts and no insights (instagram-facts 7.2). */
function childrenOf(album: Json, parent: string, albumAt: Date | null, readAt: Date): Item[] {
  const children = album['children'];
  const rows = Array.isArray(children) ? records(children) : records(record(children)?.['data']);
  return rows.flatMap((row, index): Item[] => {
    const childId = id(row['id']);
    if (childId === null) return [];
    const at = graphTime(row['timestamp']) ?? albumAt;
    const values = { ...filesOf(row, readAt), timestamp: at, parentIgId: parent, childIndex: index };
    return [{ id: childId, parent, at, values, raw: rawOf(row) }];
  });
}

/** Asks for media or comments by id, one by one, and then for the control (instagram-facts 12: 100/33 may be a flake). */
export async function confirmByIds(
  login: Login,
  ids: readonly string[],
  control: string,
  call: ReadCall,
): Promise<Confirmed> {
  const reads = createReads(login, call);
  const answers = new Map<string, 'here' | 'gone' | 'unsure'>();
  for (const one of ids) answers.set(one, await ask(reads, one));
  const isSure = (await ask(reads, control)) === 'here';
  if (!isSure) for (const one of ids) answers.set(one, 'unsure');
  return { answers, ...reads.told() };
}

async function ask(reads: Reads, one: string): Promise<'here' | 'gone' | 'unsure'> {
  try {
    return id((await reads.get(`/${one}`, { fields: 'id' }))['id']) === one ? 'here' : 'unsure';
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (isMissing(error)) return 'gone';
    // What Instagram refuses for this one thing says nothing about the others.
    if (error.kind === 'unavailable' || error.kind === 'rejected') return 'unsure';
    throw error;
  }
}
