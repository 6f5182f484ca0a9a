import { Type } from 'typebox';
import type { Call, Reply, Route } from '../core/http.ts';
import type { Access, CheckAccess } from './access.ts';
import { creatorOf, type TikTok } from './context.ts';
import { envelopeErrorBody, ok, refuse } from './envelope.ts';
import { readBody } from './input.ts';
import { listPage, visibleVideos } from './pages.ts';
import type { Creator, Video } from './state.ts';

const closed = { additionalProperties: false };
const ListBody = Type.Object(
  {
    cursor: Type.Optional(Type.Integer({ minimum: 0 })),
    max_count: Type.Integer({ minimum: 1, maximum: 20, default: 10 }),
  },
  closed,
);
const QueryBody = Type.Object(
  { filters: Type.Object({ video_ids: Type.Array(Type.String(), { minItems: 1, maxItems: 20 }) }, closed) },
  closed,
);

const USER_FIELDS: Record<string, string[]> = {
  'user.info.basic': [
    'open_id',
    'union_id',
    'avatar_url',
    'avatar_url_100',
    'avatar_large_url',
    'display_name',
  ],
  'user.info.profile': ['bio_description', 'profile_deep_link', 'is_verified', 'username'],
  'user.info.stats': ['follower_count', 'following_count', 'likes_count', 'video_count'],
};

/** tiktok-facts 3. */
export function displayRoutes(tiktok: TikTok, access: CheckAccess): Route[] {
  function fieldsOf(call: Call, known: string[]): string[] {
    const fields = call.url.searchParams.get('fields')?.split(',') ?? [];
    if (fields.length === 0 || fields[0] === '') {
      refuse(tiktok, 400, 'invalid_params', 'Fields is required, please provide fields in the request');
    }
    const unknown = fields.filter((field) => !known.includes(field));
    if (unknown.length > 0) refuse(tiktok, 400, 'invalid_params', `Invalid field(s): ${unknown.join(',')}`);
    return fields;
  }

  function allowedUserFields(fields: string[], { scopes }: Access): { open: string[]; beyond: string[] } {
    const open = new Set(scopes.flatMap((scope) => USER_FIELDS[scope] ?? []));
    const beyond = fields.filter((field) => !open.has(field));
    const { outOfScopeFields } = tiktok.options;
    if (beyond.length > 0 && outOfScopeFields === 'refuse') {
      const text = `The user did not authorize the scope required for: ${beyond.join(',')}`;
      refuse(tiktok, 401, 'scope_not_authorized', text);
    }
    if (beyond.length > 0 && outOfScopeFields === 'missed') {
      refuse(tiktok, 400, 'scope_permission_missed', 'Some fields need additional scopes');
    }
    return { open: fields.filter((field) => open.has(field)), beyond };
  }

  /** Whether such a field is left out or comes without its value is not known (tiktok-facts 3.1). */
  function unfilled(user: Record<string, unknown>, fields: string[]): Record<string, unknown> {
    const { outOfScopeFields } = tiktok.options;
    if (outOfScopeFields === 'empty') return Object.fromEntries(fields.map((field) => [field, null]));
    if (outOfScopeFields === 'zero')
      return Object.fromEntries(fields.map((field) => [field, zeroOf(user[field])]));
    return {};
  }

  function userInfo(call: Call): Reply {
    const granted = access(call, [], 'user.info');
    const fields = allowedUserFields(fieldsOf(call, Object.values(USER_FIELDS).flat()), granted);
    const creator = creatorOf(tiktok, granted.openId);
    const user = userOf(tiktok, creator);
    return ok(tiktok, { user: { ...pick(user, fields.open), ...unfilled(user, fields.beyond) } });
  }

  function list(call: Call): Reply {
    const { openId } = access(call, ['video.list'], 'video.list');
    const fields = fieldsOf(call, VIDEO_FIELDS);
    const { cursor, max_count } = readBody(tiktok, ListBody, call.text === '' ? '{}' : call.text);
    const page = listPage(tiktok, { openId, cursor, maxCount: max_count });
    return ok(tiktok, {
      videos: page.videos.map((video) => pick(videoObject(tiktok, video), fields)),
      cursor: page.cursor,
      has_more: page.hasMore,
    });
  }

  function query(call: Call): Reply {
    const { openId } = access(call, ['video.list'], 'video.query');
    const fields = fieldsOf(call, VIDEO_FIELDS);
    const { filters } = readBody(tiktok, QueryBody, call.text);
    const videos = visibleVideos(tiktok, openId).filter(({ id }) => filters.video_ids.includes(id));
    const found = videos.map((video) => pick(videoObject(tiktok, video), fields));
    return ok(tiktok, { videos: found, cursor: 0, has_more: false });
  }

  const errorBody = envelopeErrorBody(tiktok);
  return [
    { method: 'GET', path: '/v2/user/info/', endpoint: 'user.info', errorBody, handle: userInfo },
    { method: 'POST', path: '/v2/video/list/', endpoint: 'video.list', errorBody, handle: list },
    { method: 'POST', path: '/v2/video/query/', endpoint: 'video.query', errorBody, handle: query },
  ];
}

function pick(from: Record<string, unknown>, fields: string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, from[field]]));
}

function zeroOf(value: unknown): unknown {
  if (typeof value === 'number') return 0;
  return typeof value === 'boolean' ? false : '';
}

/** A signed URL of TikTok's CDN, which ends (tiktok-facts 3.1, 3.4 and 11). */
function signedUrl(tiktok: TikTok, name: string, seconds: number): string {
  const expires = Math.floor(tiktok.core.clock.now() / 1_000) + seconds;
  return `https://p16-sign.sandbox.invalid/${name}.jpeg?x-expires=${expires}`;
}

function userOf(tiktok: TikTok, creator: Creator): Record<string, unknown> {
  const avatar = signedUrl(tiktok, creator.username, tiktok.options.avatarSeconds);
  const mine = tiktok.state.videos.filter(({ openId, deleted }) => openId === creator.openId && !deleted);
  return {
    open_id: creator.openId,
    union_id: creator.unionId,
    avatar_url: avatar,
    avatar_url_100: avatar,
    avatar_large_url: avatar,
    display_name: creator.displayName ?? creator.username,
    bio_description: creator.bio,
    profile_deep_link: `https://vm.tiktok.com/${creator.username}/`,
    is_verified: creator.verified,
    username: creator.username,
    follower_count: creator.followers,
    following_count: creator.following,
    likes_count: creator.likes,
    video_count: creator.videoCount ?? mine.length,
  };
}

const VIDEO_FIELDS = `id create_time cover_image_url share_url video_description duration height width title
  embed_html embed_link like_count comment_count share_count view_count`.split(/\s+/);

function videoObject(tiktok: TikTok, video: Video): Record<string, unknown> {
  const link = `https://www.tiktok.com/@${creatorOf(tiktok, video.openId).username}/${video.kind}/${video.id}`;
  return {
    id: video.id,
    create_time: Math.floor(video.createdAt / 1_000),
    cover_image_url: signedUrl(tiktok, video.id, tiktok.options.coverSeconds),
    share_url: `${link}?utm_campaign=sandbox&utm_source=${tiktok.app.clientKey}`,
    video_description: (video.description ?? video.title).slice(0, 150),
    duration: video.kind === 'video' ? video.duration : 0,
    height: video.height,
    width: video.width,
    title: video.title.slice(0, 150),
    embed_html: `<blockquote class="tiktok-embed" cite="${link}"></blockquote>`,
    embed_link: `https://www.tiktok.com/player/v1/${video.id}`,
    like_count: video.likes,
    comment_count: video.comments,
    share_count: video.shares,
    view_count: video.views,
  };
}
