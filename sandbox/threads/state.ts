import { Type, type Static } from 'typebox';
import { count, flag, NullableNumber, NullableString, oneOf } from '../core/options.ts';

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

/** A post or a reply, by anybody. */
export const Post = Type.Object({
  id: Type.String(),
  /** Null: by somebody who has not connected the app. */
  userId: NullableString,
  username: Type.String(),
  containerId: NullableString,
  kind: oneOf('TEXT_POST', 'IMAGE', 'VIDEO', 'CAROUSEL_ALBUM', 'REPOST_FACADE'),
  text: Type.String(),
  params: Type.Record(Type.String(), Type.String()),
  shortcode: Type.String(),
  createdAt: Type.Number(),
  children: Type.Array(Type.Object({ id: Type.String(), kind: Type.String(), altText: Type.String() })),
  files: Type.Array(File),
  replyTo: NullableString,
  rootId: NullableString,
  repostOf: NullableString,
  hidden: Type.Boolean(),
  approval: oneOf('none', 'pending', 'ignored', 'approved'),
  mentions: Strings,
  views: count(0),
  likes: count(0),
  quotes: count(0),
  shares: count(0),
});
export type Post = Static<typeof Post>;

export const ThreadsState = Type.Object({
  profiles: Type.Array(Profile),
  codes: Type.Record(Type.String(), Code),
  tokens: Type.Record(Type.String(), Token),
  /** By profile id. */
  grants: Type.Record(Type.String(), Grant),
  containers: Type.Record(Type.String(), Container),
  posts: Type.Array(Post),
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
