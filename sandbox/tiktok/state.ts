import { Type, type Static } from 'typebox';

const Nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(type: T) =>
  Type.Union([type, Type.Null()]);

const PrivacyLevel = Type.Union([
  Type.Literal('PUBLIC_TO_EVERYONE'),
  Type.Literal('MUTUAL_FOLLOW_FRIENDS'),
  Type.Literal('FOLLOWER_OF_CREATOR'),
  Type.Literal('SELF_ONLY'),
]);
export type PrivacyLevel = Static<typeof PrivacyLevel>;

const flag = Type.Boolean({ default: false });
const count = Type.Integer({ minimum: 0, default: 0 });

/** A creator, as a test may describe it; the rest is made up. */
export const CreatorSpec = Type.Object(
  {
    username: Type.String({ minLength: 1 }),
    displayName: Type.Optional(Type.String()),
    private: flag,
    banned: flag,
    commentDisabled: flag,
    duetDisabled: flag,
    stitchDisabled: flag,
    maxVideoPostDurationSec: Type.Integer({ minimum: 1, default: 3_600 }),
    privacyLevelOptions: Type.Optional(Type.Array(PrivacyLevel)),
    dailyPostCap: Type.Optional(Type.Integer({ minimum: 0 })),
    bio: Type.String({ default: '' }),
    verified: flag,
    followers: count,
    following: count,
    likes: count,
    /** What the profile tells; absent: as many as there are, private ones too. */
    videoCount: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
const Creator = Type.Object({ ...CreatorSpec.properties, openId: Type.String(), unionId: Type.String() });
export type Creator = Static<typeof Creator>;

const Code = Type.Object({
  openId: Type.String(),
  scopes: Type.Array(Type.String()),
  redirectUri: Type.String(),
  challenge: Nullable(Type.String()),
  expiresAt: Type.Number(),
});

const AccessToken = Type.Object({
  openId: Type.String(),
  scopes: Type.Array(Type.String()),
  expiresAt: Type.Number(),
});

const RefreshToken = Type.Object({
  openId: Type.String(),
  scopes: Type.Array(Type.String()),
  expiresAt: Type.Number(),
  accessToken: Type.String(),
  /** When the rotated token stops working for good. */
  graceUntil: Nullable(Type.Number()),
});
export type RefreshToken = Static<typeof RefreshToken>;

const ReceivedFile = Type.Object({
  url: Type.String(),
  size: Type.Number(),
  sha256: Type.String(),
});

export const Publish = Type.Object({
  id: Type.String(),
  openId: Type.String(),
  mode: Type.Union([Type.Literal('direct'), Type.Literal('inbox')]),
  kind: Type.Union([Type.Literal('video'), Type.Literal('photo')]),
  source: Type.Union([Type.Literal('FILE_UPLOAD'), Type.Literal('PULL_FROM_URL')]),
  status: Type.Union([
    Type.Literal('PROCESSING_UPLOAD'),
    Type.Literal('PROCESSING_DOWNLOAD'),
    Type.Literal('SEND_TO_USER_INBOX'),
    Type.Literal('PUBLISH_COMPLETE'),
    Type.Literal('FAILED'),
  ]),
  failReason: Nullable(Type.String()),
  createdAt: Type.Number(),
  postInfo: Type.Record(Type.String(), Type.Unknown()),
  // FILE_UPLOAD
  upload: Type.Union([
    Type.Null(),
    Type.Object({
      id: Type.String(),
      token: Type.String(),
      expiresAt: Type.Number(),
      videoSize: Type.Number(),
      chunkSize: Type.Number(),
      chunkCount: Type.Number(),
      chunks: Type.Array(Type.Object({ first: Type.Number(), last: Type.Number() })),
      contentType: Nullable(Type.String()),
    }),
  ]),
  // PULL_FROM_URL
  urls: Type.Array(Type.String()),
  files: Type.Array(ReceivedFile),
  received: Type.Number(),
  sha256: Nullable(Type.String()),
  completedAt: Nullable(Type.Number()),
  postIds: Type.Array(Type.String()),
});
export type Publish = Static<typeof Publish>;

export const VideoCounts = Type.Object(
  { views: count, likes: count, comments: count, shares: count },
  { additionalProperties: false },
);
/** The fields of a video that no other provider has. */
export const VideoDetails = Type.Object(
  {
    kind: Type.Union([Type.Literal('video'), Type.Literal('photo')], { default: 'video' }),
    public: Type.Boolean({ default: true }),
    /** Absent: the title. */
    description: Type.Optional(Type.String()),
    duration: Type.Integer({ minimum: 0, default: 15 }),
    width: Type.Integer({ minimum: 0, default: 576 }),
    height: Type.Integer({ minimum: 0, default: 1_024 }),
    /** The list (not the query by id) leaves it out until then; absent: since it was made, plus `listLagMs`. */
    listedAt: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);
const Video = Type.Object({
  ...VideoCounts.properties,
  ...VideoDetails.properties,
  id: Type.String(),
  openId: Type.String(),
  createdAt: Type.Number(),
  title: Type.String(),
  deleted: flag,
  publishId: Nullable(Type.String()),
});
export type Video = Static<typeof Video>;

/** A page of the list on a bad day. */
export const PagePlay = Type.Object(
  {
    /**
     * short: only `videos` of them; empty: none, though there are more; overlap: begins with the last `videos` of the page
     * before; repeat: the cursor that was sent (or `cursor`) is the next one; no-cursor: more, but no cursor; refuse: a
     * call with a cursor is a 400.
     */
    page: Type.Enum(['short', 'empty', 'overlap', 'repeat', 'no-cursor', 'refuse']),
    videos: Type.Integer({ minimum: 0, default: 1 }),
    cursor: Type.Optional(Type.Integer()),
    openId: Type.Optional(Type.String()),
    /** How many pages; 0: all. */
    times: Type.Integer({ minimum: 0, default: 1 }),
    /** How many pages come as usual before. */
    after: Type.Integer({ minimum: 0, default: 0 }),
  },
  { additionalProperties: false },
);
export type PagePlay = Static<typeof PagePlay>;

export const TikTokState = Type.Object({
  creators: Type.Array(Creator),
  codes: Type.Record(Type.String(), Code),
  accessTokens: Type.Record(Type.String(), AccessToken),
  refreshTokens: Type.Record(Type.String(), RefreshToken),
  /** The granted scopes of the creators who have connected the app, by open id. */
  grants: Type.Record(Type.String(), Type.Array(Type.String())),
  publishes: Type.Record(Type.String(), Publish),
  videos: Type.Array(Video),
  pagePlays: Type.Array(PagePlay, { default: [] }),
  /** Reasons for the next publishes to fail with, one each. */
  failNext: Type.Array(Type.String()),
});
export type TikTokState = Static<typeof TikTokState>;
