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
});
export type Comment = Static<typeof Comment>;

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
  /** Subcodes for the next containers to fail with, one each. */
  failNext: Strings,
  /** App level: the fields that are delivered, and the callback that passed the handshake. */
  appFields: Strings,
  verifiedUrl: NullableString,
});
export type InstagramState = Static<typeof InstagramState>;
