import { randomBytes, randomUUID } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { Changes, control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch, parse } from '../core/json.ts';
import { mediaControls } from '../core/media.ts';
import { checkRedirectUris } from './app.ts';
import { creatorByName, knownOpenId, type TikTok } from './context.ts';
import { sendEvent } from './events.ts';
import { expireAccessTokens, removeApp } from './grants.ts';
import { addVideo, changeVideo, postDraft } from './lifecycle.ts';
import { changeOptions } from './options.ts';
import { mediaKeeper, videoById } from './media.ts';
import { readingControls } from './reading-controls.ts';
import { countPublishes, publishView } from './report.ts';
import { CreatorSpec, type Creator, type Publish } from './state.ts';

const closed = { additionalProperties: false };
const AppChanges = Type.Object(
  {
    clientSecret: Type.Optional(Type.String()),
    redirectUris: Type.Optional(Type.Array(Type.String())),
    webhookUrl: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    scopes: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
const Event = Type.Object(
  {
    event: Type.String(),
    openId: Type.String(),
    content: Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())], { default: {} }),
    createTime: Type.Optional(Type.Integer()),
    secret: Type.Optional(Type.String()),
    t: Type.Optional(Type.Integer()),
    clientKey: Type.Optional(Type.String()),
  },
  closed,
);
const VideoSpec = Type.Object(
  {
    openId: Type.String(),
    title: Type.String({ default: '' }),
    kind: Type.Union([Type.Literal('video'), Type.Literal('photo')], { default: 'video' }),
    createdAt: Type.Optional(Type.Integer()),
    public: Type.Boolean({ default: true }),
    views: Type.Integer({ default: 0 }),
    likes: Type.Integer({ default: 0 }),
    comments: Type.Integer({ default: 0 }),
    shares: Type.Integer({ default: 0 }),
  },
  closed,
);
const ByOpenId = Type.Object({ openId: Type.String() }, closed);
const FailNext = Type.Object(
  { reason: Type.String(), times: Type.Integer({ minimum: 0, default: 1 }) },
  closed,
);
const PostDraft = Type.Object(
  { publishId: Type.String(), privacyLevel: Type.String({ default: 'PUBLIC_TO_EVERYONE' }) },
  closed,
);

/** Adds a creator, or changes the one with this name. */
export function putCreator(tiktok: TikTok, spec: Static<typeof CreatorSpec>): Creator {
  const existing = creatorByName(tiktok, spec.username);
  if (existing !== undefined) return Object.assign(existing, spec);
  // The form of real open ids: 36 characters that may start with a dash (tiktok-facts 2.5).
  const openId = `-000${randomBytes(24).toString('base64url')}`;
  const creator = { ...spec, openId, unionId: randomUUID() };
  tiktok.state.creators.push(creator);
  return creator;
}

export function tiktokControls(tiktok: TikTok): Route[] {
  const { state } = tiktok;

  function publishById(id: string): Publish {
    const publish = state.publishes[id];
    if (publish === undefined) throw new Mismatch(`no publish ${id}`);
    return publish;
  }

  return [
    control('GET', '/tiktok/options', Nothing, () => tiktok.options),
    control('POST', '/tiktok/options', Changes, (changes) => changeOptions(tiktok.options, changes)),
    control('POST', '/tiktok/app', AppChanges, (changes) => {
      if (changes.redirectUris !== undefined) checkRedirectUris(changes.redirectUris);
      return Object.assign(tiktok.app, changes);
    }),
    control('GET', '/tiktok/creators', Nothing, () => state.creators),
    control('POST', '/tiktok/creators', Changes, (changes) => {
      const existing = creatorByName(tiktok, String(changes['username'])) ?? {};
      const { openId: _openId, unionId: _unionId, ...known } = { openId: '', unionId: '', ...existing };
      return putCreator(tiktok, parse(CreatorSpec, { ...known, ...changes }));
    }),
    control('GET', '/tiktok/publishes', Nothing, (_body, { url }) => {
      const wanted = url.searchParams.get('openId');
      const all = Object.values(state.publishes);
      return all.filter(({ openId }) => wanted === null || openId === wanted).map(publishView);
    }),
    control('GET', '/tiktok/count', Nothing, (_body, { url }) => countPublishes(tiktok, url.searchParams)),
    control('POST', '/tiktok/fail-next', FailNext, ({ reason, times }) => {
      if (times === 0) state.failNext = [];
      state.failNext.push(...Array<string>(times).fill(reason));
      return state.failNext;
    }),
    control('POST', '/tiktok/post-draft', PostDraft, ({ publishId, privacyLevel }) => {
      const publish = publishById(publishId);
      if (publish.mode !== 'inbox' || !['SEND_TO_USER_INBOX', 'PUBLISH_COMPLETE'].includes(publish.status)) {
        throw new Mismatch(`${publishId} is no draft in the inbox`);
      }
      postDraft(tiktok, publish, privacyLevel);
      return publishView(publish);
    }),
    ...mediaControls('tiktok', mediaKeeper(tiktok)),
    ...readingControls(tiktok),
    control('GET', '/tiktok/videos', Nothing, () => state.videos),
    control('POST', '/tiktok/videos', VideoSpec, (spec) => {
      return addVideo(tiktok, { ...spec, openId: knownOpenId(tiktok, spec.openId) });
    }),
    control('POST', '/tiktok/take-down', Type.Object({ postId: Type.String() }), ({ postId }) => {
      const video = videoById(tiktok, postId);
      changeVideo(tiktok, video, { public: false });
      return video;
    }),
    control(
      'POST',
      '/tiktok/revoke',
      Type.Object({ ...ByOpenId.properties, reason: Type.Integer({ default: 1 }) }),
      (body) => removeApp(tiktok, knownOpenId(tiktok, body.openId), body.reason),
    ),
    control('POST', '/tiktok/expire-tokens', ByOpenId, ({ openId }) => ({
      expired: expireAccessTokens(tiktok, knownOpenId(tiktok, openId)),
    })),
    control('GET', '/tiktok/deliveries', Nothing, () =>
      tiktok.core.webhooks.deliveries.filter(({ provider }) => provider === 'tiktok'),
    ),
    control('POST', '/tiktok/webhooks/send', Event, ({ event, openId, content, ...forgery }) =>
      sendEvent(tiktok, event, openId, content, forgery),
    ),
  ];
}
