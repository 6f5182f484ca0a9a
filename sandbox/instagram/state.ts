import { Type, type Static } from 'typebox';
import { NullableNumber, NullableString, oneOf } from '../core/options.ts';
import { Account, Code, FacebookPage, FacebookUser, Grant, Token } from './people.ts';

const Strings = Type.Array(Type.String());

const File = Type.Object({
  url: NullableString,
  size: Type.Number(),
  sha256: NullableString,
});

export const Container = Type.Object({
  id: Type.String(),
  accountId: Type.String(),
  kind: oneOf('IMAGE', 'VIDEO', 'REELS', 'STORIES', 'CAROUSEL'),
  isItem: Type.Boolean(),
  /** All parameters that were sent, without the token; and the names of unknown ones. */
  params: Type.Record(Type.String(), Type.String()),
  ignored: Strings,
  createdAt: Type.Number(),
  status: oneOf('IN_PROGRESS', 'FINISHED', 'ERROR', 'EXPIRED', 'PUBLISHED'),
  statusText: NullableString,
  children: Strings,
  files: Type.Array(File),
  video: Type.Boolean(),
  durationMs: NullableNumber,
  upload: Type.Union([
    Type.Null(),
    Type.Object({ size: NullableNumber, received: Type.Number(), complete: Type.Boolean() }),
  ]),
  publishedAt: NullableNumber,
  /** How many calls of media_publish named it, in any state. */
  publishCalls: Type.Number(),
  mediaId: NullableString,
});
export type Container = Static<typeof Container>;

const count = Type.Integer({ minimum: 0, default: 0 });
const Numbers = Type.Record(Type.String(), Type.Number(), { default: {} });
const Breakdowns = Type.Record(Type.String(), Type.Record(Type.String(), Type.Number()), { default: {} });
export const Media = Type.Object({
  id: Type.String(),
  accountId: Type.String(),
  containerId: NullableString,
  mediaType: oneOf('IMAGE', 'VIDEO', 'CAROUSEL_ALBUM'),
  productType: oneOf('FEED', 'REELS', 'STORY'),
  caption: Type.String(),
  altText: NullableString,
  shortcode: Type.String(),
  createdAt: Type.Number(),
  children: Type.Array(Type.Object({ id: Type.String(), mediaType: Type.String(), altText: Type.String() })),
  files: Type.Array(File),
  shareToFeed: Type.Boolean(),
  commentsEnabled: Type.Boolean({ default: true }),
  likes: count,
  views: count,
  reach: count,
  shares: count,
  saved: count,
  reposts: count,
  /** The number that the API gives; null: the comments that are here. */
  commentsCount: Type.Union([Type.Number(), Type.Null()], { default: null }),
  /** Values of the other metrics, and of breakdowns: metric, then dimension value. */
  metrics: Numbers,
  breakdowns: Breakdowns,
  sharedToFacebook: Type.Boolean({ default: false }),
  ownLike: Type.Boolean({ default: false }),
});
export type Media = Static<typeof Media>;

export const Comment = Type.Object({
  id: Type.String(),
  mediaId: Type.String(),
  parentId: NullableString,
  fromId: Type.String(),
  username: Type.String(),
  /** Whether the owner of the media wrote it. */
  own: Type.Boolean(),
  text: Type.String(),
  createdAt: Type.Number(),
  hidden: Type.Boolean(),
  likes: count,
  /** Its author was restricted by the owner, who has not approved it (instagram-facts 12). */
  withheld: Type.Boolean({ default: false }),
  ownLike: Type.Boolean({ default: false }),
});
export type Comment = Static<typeof Comment>;

/** What goes wrong with pages of lists; `times` 0: until it is cleared. */
export const ListFault = Type.Object({
  list: oneOf('media', 'stories', 'comments', 'replies'),
  kind: oneOf('short', 'empty', 'repeat', 'refuse', 'no-cursors', 'reduce'),
  /** How many pages pass before it begins. */
  after: Type.Integer({ minimum: 0 }),
  times: Type.Integer({ minimum: 0 }),
});
export type ListFault = Static<typeof ListFault>;

/** Numbers of an account on one day in California. */
export const AccountDay = Type.Object({ metrics: Numbers, breakdowns: Breakdowns });
export type AccountDay = Static<typeof AccountDay>;

/** The percents that the usage headers tell, and the minutes until a throttled account is served again. */
export const Usage = Type.Object({ app: NullableNumber, business: NullableNumber, minutes: Type.Number() });
export type Usage = Static<typeof Usage>;

const RefusedMetric = Type.Object({
  metric: Type.String(),
  productType: NullableString,
  mediaType: NullableString,
});

export const InstagramState = Type.Object({
  users: Type.Array(FacebookUser),
  pages: Type.Array(FacebookPage),
  accounts: Type.Array(Account),
  codes: Type.Record(Type.String(), Code),
  tokens: Type.Record(Type.String(), Token),
  /** By Facebook user id, and by account id for Instagram Login. */
  grants: Type.Record(Type.String(), Grant),
  containers: Type.Record(Type.String(), Container),
  /** The publishes that the quota counts. */
  publishes: Type.Array(Type.Object({ accountId: Type.String(), at: Type.Number() })),
  media: Type.Array(Media),
  comments: Type.Array(Comment),
  /** What was deleted, to be restored. */
  removedMedia: Type.Array(Media, { default: [] }),
  removedComments: Type.Array(Comment, { default: [] }),
  /** People whose comments an account withholds. */
  restrictedPeople: Type.Array(Type.Object({ accountId: Type.String(), username: Type.String() }), {
    default: [],
  }),
  listFaults: Type.Array(ListFault, { default: [] }),
  refusedMetrics: Type.Array(RefusedMetric, { default: [] }),
  /** By account, then by day; and by account, then by metric, breakdown and timeframe. */
  accountDays: Type.Record(Type.String(), Type.Record(Type.String(), AccountDay), { default: {} }),
  demographics: Type.Record(Type.String(), Breakdowns, { default: {} }),
  usage: Type.Record(Type.String(), Usage, { default: {} }),
  /** Subcodes for the next containers to fail with, one each. */
  failNext: Strings,
  /** App level: the fields that are delivered, and the callback that passed the handshake. */
  appFields: Strings,
  verifiedUrl: NullableString,
});
export type InstagramState = Static<typeof InstagramState>;
