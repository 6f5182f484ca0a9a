import { Type, type Static } from 'typebox';
import { choice, count, flag, NullableNumber, NullableString, oneOf } from '../core/options.ts';

const Strings = Type.Array(Type.String());

/** A profile, as a test may describe it; the rest is made up. */
export const ProfileSpec = Type.Object(
  {
    username: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    biography: Type.String({ default: '' }),
    verified: flag(false),
    /** No webhooks, and possibly a grant that can not be extended (threads-facts 2.6, 10.1 and 11.21). */
    private: flag(false),
    geoGating: flag(false),
    /** Publishing answers 4279013 (threads-facts 5). */
    restricted: flag(false),
    /** Without it there are no follower metrics (threads-facts 3; no longer needed, threads-facts 16.1). */
    linkedInstagram: flag(true),
    followers: count(0),
    pictureUrl: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
const Profile = Type.Object({ ...ProfileSpec.properties, id: Type.String() });
export type Profile = Static<typeof Profile>;

const Code = Type.Object({ userId: Type.String(), redirectUri: Type.String(), expiresAt: Type.Number() });
const Token = Type.Object({
  userId: Type.String(),
  long: Type.Boolean(),
  issuedAt: Type.Number(),
  expiresAt: Type.Number(),
  /** Set: the token answers 190 with this subcode. */
  dead: NullableNumber,
});
export type Token = Static<typeof Token>;
const Grant = Type.Object({ scopes: Strings, expiresAt: Type.Number() });

const File = Type.Object({ url: Type.String(), size: Type.Number(), sha256: Type.String() });

export const Container = Type.Object({
  id: Type.String(),
  userId: Type.String(),
  kind: oneOf('TEXT', 'IMAGE', 'VIDEO', 'CAROUSEL'),
  isItem: Type.Boolean(),
  /** The understood parameters, and the names of ignored ones. */
  params: Type.Record(Type.String(), Type.String()),
  ignored: Strings,
  createdAt: Type.Number(),
  status: oneOf('IN_PROGRESS', 'FINISHED', 'ERROR', 'EXPIRED', 'PUBLISHED'),
  finishedAt: NullableNumber,
  errorMessage: NullableString,
  children: Strings,
  files: Type.Array(File),
  publishCalls: Type.Number(),
  postId: NullableString,
});
export type Container = Static<typeof Container>;

/** As a client reads them (threads-facts 6.2). */
export const POST_KINDS = [
  'TEXT_POST',
  'IMAGE',
  'VIDEO',
  'CAROUSEL_ALBUM',
  'AUDIO',
  'REPOST_FACADE',
] as const;
export const HIDE_STATUSES = [
  'NOT_HUSHED',
  'UNHUSHED',
  'HIDDEN',
  'COVERED',
  'BLOCKED',
  'RESTRICTED',
] as const;
export const APPROVALS = ['none', 'pending', 'ignored', 'approved'] as const;
const nothing = { default: null };

/** A post or a reply, by anybody. */
export const Post = Type.Object({
  id: Type.String(),
  /** Null: by somebody who has not connected the app. */
  userId: NullableString,
  username: Type.String(),
  /** A private person's replies have no username and no permalink (threads-facts 16.5). */
  privateAuthor: flag(false),
  containerId: Type.Union([Type.String(), Type.Null()], nothing),
  kind: choice(...POST_KINDS),
  text: Type.String({ default: '' }),
  /** By the names that publishing has (threads-facts 4.1). */
  params: Type.Record(Type.String(), Type.String(), { default: {} }),
  shortcode: Type.String(),
  createdAt: Type.Number(),
  /** When the sandbox got it: lists may be late. */
  addedAt: Type.Number({ default: 0 }),
  deletedAt: Type.Union([Type.Number(), Type.Null()], nothing),
  children: Type.Array(Type.Object({ id: Type.String(), kind: Type.String(), altText: Type.String() }), {
    default: [],
  }),
  files: Type.Array(File, { default: [] }),
  replyTo: Type.Union([Type.String(), Type.Null()], nothing),
  rootId: Type.Union([Type.String(), Type.Null()], nothing),
  repostOf: Type.Union([Type.String(), Type.Null()], nothing),
  hideStatus: choice(...HIDE_STATUSES),
  approval: choice(...APPROVALS),
  mentions: Type.Array(Type.String(), { default: [] }),
  views: count(0),
  likes: count(0),
  shares: count(0),
  /** Beside those that the sandbox knows. */
  replies: count(0),
  reposts: count(0),
  quotes: count(0),
  /** It has neither permalink nor media_url (threads-facts 6.2). */
  copyright: flag(false),
  /** No list shows it, though its id leads to it. */
  unlisted: flag(false),
  /** The next reads of it by id answer 100/33. */
  flaky: count(0),
  refusedMetrics: Type.Array(Type.String(), { default: [] }),
  /** Its insights are an empty list, as a repost's. */
  emptyInsights: flag(false),
});
export type Post = Static<typeof Post>;

const metric = Type.Optional(Type.Integer({ minimum: 0 }));
/** What happened in one Pacific day (threads-facts 8.2). */
export const DayNumbers = Type.Object(
  {
    views: metric,
    likes: metric,
    replies: metric,
    reposts: metric,
    quotes: metric,
    /** By the link. */
    clicks: Type.Optional(Type.Record(Type.String(), Type.Integer({ minimum: 0 }))),
  },
  { additionalProperties: false },
);
export type DayNumbers = Static<typeof DayNumbers>;
/** By breakdown (country, city, age, gender), then by value. */
export const Demographics = Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()));

const LISTS = ['posts', 'replies', 'conversation', 'pending_replies', 'ghost_posts', 'mentions'] as const;
/** What is wrong with the next pages of a list (threads-facts 6.1). */
export const ListFault = Type.Object(
  {
    list: oneOf(...LISTS),
    /** Of this profile's token only. */
    username: Type.Optional(Type.String()),
    /**
     * `short`: fewer items than asked for; `empty`: none, and the next page goes on; `repeat`: `after` is that of the
     * first page; `refuse`: the cursor is refused; `error`: an error instead of a page.
     */
    kind: oneOf('short', 'empty', 'repeat', 'refuse', 'error'),
    /** How many pages pass first. */
    after: count(0),
    /** How many pages it hits; 0: all. */
    times: count(1),
    /** How many items a short page lacks. */
    lacks: count(1),
    http: Type.Integer({ minimum: 200, maximum: 599, default: 500 }),
    code: Type.String({ default: '2' }),
  },
  { additionalProperties: false },
);
export type ListFault = Static<typeof ListFault>;

export const ThreadsState = Type.Object({
  profiles: Type.Array(Profile),
  codes: Type.Record(Type.String(), Code),
  tokens: Type.Record(Type.String(), Token),
  /** By profile id. */
  grants: Type.Record(Type.String(), Grant),
  containers: Type.Record(Type.String(), Container),
  /** Deleted ones stay, so that they can be restored. */
  posts: Type.Array(Post),
  /** By profile id, then by day. Without an entry the numbers follow from the posts. */
  numbers: Type.Record(Type.String(), Type.Record(Type.String(), DayNumbers), { default: {} }),
  demographics: Type.Record(Type.String(), Demographics, { default: {} }),
  listFaults: Type.Array(ListFault, { default: [] }),
  /** The actions that the quotas count. */
  spent: Type.Array(
    Type.Object({
      userId: Type.String(),
      what: oneOf('post', 'reply', 'delete', 'location'),
      at: Type.Number(),
    }),
  ),
  /** Error messages for the next containers to fail with, one each. */
  failNext: Strings,
  appFields: Strings,
  verifiedUrl: NullableString,
});
export type ThreadsState = Static<typeof ThreadsState>;
