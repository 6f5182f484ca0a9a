import type { Item } from '../../reading.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { amount, counter, id, moment, record, records, text } from '../json.ts';
import type { Confirmed, Page, Question, ReadCall, Reading, Stream } from '../reading.ts';
import { callApi, type TikTokSettings } from './client.ts';

/* What TikTok tells of an account: its profile, and its public videos with their numbers (tiktok-facts 3 and 11). */

/** TikTok accepts 600 calls a minute for each path; whether for an app or for a token is not known (tiktok-facts 11). */
const READS = { name: 'reads', window: MINUTE, most: 300 } as const;
/** The most of a page, and of a query by ids (tiktok-facts 3.2 and 3.3). */
const PAGE = 20;

const PROFILE: Stream = {
  name: 'profile',
  of: 'account',
  holds: 'profile',
  scopes: ['user.info.basic'],
  partScopes: ['user.info.profile', 'user.info.stats'],
  bucket: READS,
  pageSize: 1,
  order: 'none',
  absence: 'none',
  cadence: { kind: 'list', young: 0, often: HOUR, rest: HOUR, most: 12 * HOUR },
  fullEvery: null,
};

const MEDIA: Stream = {
  name: 'media',
  of: 'account',
  holds: 'media',
  scopes: ['video.list'],
  bucket: READS,
  pageSize: PAGE,
  order: 'newest_first',
  absence: 'full_pass',
  // Deleted, private, friends only and under review look the same (tiktok-facts 11).
  goneAs: 'not_public',
  cadence: { kind: 'list', young: DAY, often: 15 * MINUTE, rest: HOUR, most: 12 * HOUR },
  fullEvery: DAY,
};

export function createReading(settings: TikTokSettings): Reading {
  return {
    streams: [PROFILE, MEDIA],
    unsupported: {
      stories: 'TikTok tells apps nothing about stories.',
      comments: 'TikTok lets apps read the number of comments of a video, but no comment.',
      replies: 'TikTok lets apps read no comment.',
      media_insights: 'TikTok tells the numbers of videos with their list: see the stream media.',
      account_insights: 'TikTok tells no numbers of an account by day.',
    },
    read: (stream, question, call) =>
      stream === 'profile' ? readProfile(settings, call) : readVideos(settings, question, call),
    confirm: (_stream, ids, control, call) => confirmVideos(settings, ids, control, call),
    // And the control (tiktok-facts 3.3).
    confirmAtOnce: PAGE - 1,
  };
}

/** The fields that each scope opens (tiktok-facts 2.8); `open_id` comes only if it is asked for. */
const USER_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'user.info.basic': ['open_id', 'union_id', 'avatar_url', 'avatar_large_url', 'display_name'],
  'user.info.profile': ['bio_description', 'profile_deep_link', 'is_verified', 'username'],
  'user.info.stats': ['follower_count', 'following_count', 'likes_count', 'video_count'],
};
const STATS = ['follower_count', 'following_count', 'likes_count', 'video_count'];

async function readProfile(settings: TikTokSettings, call: ReadCall): Promise<Page> {
  const granted = Object.keys(USER_FIELDS).filter((scope) => call.scopes.includes(scope));
  let calls = 1;
  let scopes = granted;
  const user = await readUser(settings, call, granted).catch((error: unknown) => {
    // TikTok refuses the whole call for one field (tiktok-facts 3.1).
    if (!(error instanceof ProviderError && error.kind === 'account') || granted.length === 1) throw error;
    calls += 1;
    scopes = ['user.info.basic'];
    return readUser(settings, call, scopes);
  });
  const missing = Object.keys(USER_FIELDS).filter((scope) => !scopes.includes(scope));
  // In the other known answer to a missing scope, these fields come back empty (tiktok-facts 3.1).
  const isSilent =
    scopes.includes('user.info.stats') && STATS.every((field) => counter(user[field]) === null);
  return {
    items: [profileOf(call.openId, user, scopes)],
    next: null,
    missing: isSilent ? [...missing, 'user.info.stats'] : missing,
    calls,
    usage: null,
  };
}

async function readUser(
  settings: TikTokSettings,
  { accessToken, signal }: ReadCall,
  scopes: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const fields = scopes.flatMap((scope) => USER_FIELDS[scope] ?? []).join(',');
  const { data } = await callApi(settings, {
    method: 'GET',
    path: `/v2/user/info/?fields=${fields}`,
    effect: 'read',
    accessToken,
    signal,
  });
  return record(data['user']) ?? {};
}

function profileOf(openId: string, user: Readonly<Record<string, unknown>>, scopes: readonly string[]): Item {
  const { avatar_url: _avatar, avatar_large_url: _large, avatar_url_100: _small, ...raw } = user;
  return {
    id: openId,
    at: null,
    values: {
      displayName: text(user['display_name']),
      pictureUrl: text(user['avatar_large_url']) ?? text(user['avatar_url']),
      ...(scopes.includes('user.info.profile')
        ? {
            username: text(user['username']),
            biography: text(user['bio_description']),
            website: text(user['profile_deep_link']),
            verified: typeof user['is_verified'] === 'boolean' ? user['is_verified'] : null,
          }
        : {}),
      ...(scopes.includes('user.info.stats')
        ? {
            followers: counter(user['follower_count']),
            following: counter(user['following_count']),
            mediaCount: counter(user['video_count']),
            likes: counter(user['likes_count']),
          }
        : {}),
    },
    raw,
  };
}

const VIDEO_FIELDS =
  'id,create_time,cover_image_url,share_url,video_description,duration,height,width,title,like_count,comment_count,share_count,view_count';

/**
 * A page of the creator's public videos. The next page begins a second after the last video of this one, because the
 * cursor has milliseconds and a video has seconds: videos of one second may be on both pages (tiktok-facts 11).
 */
async function readVideos(
  settings: TikTokSettings,
  { cursor, limit }: Question,
  { accessToken, signal }: ReadCall,
): Promise<Page> {
  const { data } = await callApi(settings, {
    path: `/v2/video/list/?fields=${VIDEO_FIELDS}`,
    // A cursor of 0 is the epoch, so the first call has none (tiktok-facts 3.2).
    body: { max_count: limit, ...(cursor === null ? {} : { cursor: Number(cursor) }) },
    effect: 'read',
    accessToken,
    signal,
  }).catch((error: unknown): never => {
    // The fields are always the same, so only a cursor can be invalid.
    const isInvalid = error instanceof ProviderError && /^invalid_params?$/.test(error.code);
    throw cursor !== null && isInvalid ? new ProviderError({ ...error.init, code: 'cursor_refused' }) : error;
  });
  const rows = records(data['videos']);
  return {
    items: rows.flatMap(videoOf),
    // Only has_more ends a list: a page may be short, or empty (tiktok-facts 11).
    next: data['has_more'] === true ? nextCursor(cursor, counter(data['cursor'])) : null,
    calls: 1,
    usage: null,
  };
}

/** @throws ProviderError `cursor_refused` if the list does not go on */
function nextCursor(sent: string | null, told: number | null): string {
  if (told === null)
    throw new ProviderError({
      provider: 'tiktok',
      kind: 'rejected',
      code: 'cursor_refused',
      message: 'TikTok says that the list goes on, but not where',
      userMessage: 'TikTok does not say where its list of videos goes on. Everpost reads the list again.',
    });
  const overlapping = told + SECOND;
  return String(sent === null || overlapping < Number(sent) ? overlapping : told);
}

function videoOf(row: Readonly<Record<string, unknown>>): Item[] {
  const videoId = id(row['id']);
  if (videoId === null) return [];
  const at = moment(row['create_time']);
  const cover = text(row['cover_image_url']);
  const [views, likes, comments, shares] = ['view_count', 'like_count', 'comment_count', 'share_count'].map(
    (field) => counter(row[field]),
  );
  const { cover_image_url: _signed, ...raw } = row;
  return [
    {
      id: videoId,
      at,
      values: {
        title: text(row['title']),
        description: text(row['video_description']),
        createTime: at,
        duration: amount(row['duration']),
        width: amount(row['width']),
        height: amount(row['height']),
        shareUrl: text(row['share_url']),
        coverImageUrl: cover,
        coverUntil: cover === null ? null : endOf(cover),
        viewCount: views ?? null,
        likeCount: likes ?? null,
        commentCount: comments ?? null,
        shareCount: shares ?? null,
      },
      metrics: Object.fromEntries(
        Object.entries({ views, likes, comments, shares }).flatMap(([name, value]) =>
          value == null ? [] : [[name, value]],
        ),
      ),
      raw,
    },
  ];
}

/** Signed URLs name their end: `x-expires`, in seconds (tiktok-facts 11); null: this one does not. */
function endOf(url: string): Date | null {
  return URL.canParse(url) ? moment(Number(new URL(url).searchParams.get('x-expires') ?? Number.NaN)) : null;
}

/** Asks for videos by id; the control is in the same call. Videos that are not public are silently absent. */
async function confirmVideos(
  settings: TikTokSettings,
  ids: readonly string[],
  control: string,
  { accessToken, signal }: ReadCall,
): Promise<Confirmed> {
  const { data } = await callApi(settings, {
    path: '/v2/video/query/?fields=id',
    body: { filters: { video_ids: [...ids, control] } },
    effect: 'read',
    accessToken,
    signal,
  });
  const here = new Set(records(data['videos']).map((row) => id(row['id'])));
  const answerFor = (one: string) => (here.has(one) ? 'here' : here.has(control) ? 'gone' : 'unsure');
  return { answers: new Map(ids.map((one) => [one, answerFor(one)])), calls: 1, usage: null };
}
