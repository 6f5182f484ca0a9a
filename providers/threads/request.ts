import { Type, type Static } from 'typebox';
import { MediaRef } from '../meta/media.ts';
import { Address, Name, Words } from '../texts.ts';

/** More countries than ISO 3166 has. */
const MOST_COUNTRIES = 300;

/** Meta's own field names (threads-facts 4.1). */
const ofAnyPost = {
  text: Type.Optional(Words),
  topic_tag: Type.Optional(Name),
  link_attachment: Type.Optional(Address),
  quote_post_id: Type.Optional(Name),
  poll_attachment: Type.Optional(
    Type.Object(
      {
        option_a: Name,
        option_b: Name,
        option_c: Type.Optional(Name),
        option_d: Type.Optional(Name),
      },
      { additionalProperties: false },
    ),
  ),
  alt_text: Type.Optional(Words),
  location_id: Type.Optional(Name),
  is_spoiler_media: Type.Optional(Type.Boolean()),
  allowlisted_country_codes: Type.Optional(Type.Array(Name, { maxItems: MOST_COUNTRIES })),
};
export const ThreadsPostInfo = Type.Object(
  {
    ...ofAnyPost,
    reply_to_id: Type.Optional(Name),
    reply_control: Type.Optional(
      Type.Enum([
        'everyone',
        'accounts_you_follow',
        'mentioned_only',
        'parent_post_author_only',
        'followers_only',
      ]),
    ),
    enable_reply_approvals: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
/** A reply in a chain: its parent is the post before it, and the root decides who may reply. */
export const ThreadsReplyInfo = Type.Object(ofAnyPost, { additionalProperties: false });
export type ThreadsPostInfo = Static<typeof ThreadsPostInfo>;

const Unit = Type.Object({
  mediaType: Type.Union([
    Type.Literal('TEXT'),
    Type.Literal('IMAGE'),
    Type.Literal('VIDEO'),
    Type.Literal('CAROUSEL'),
  ]),
  /** In order; one for IMAGE and VIDEO, none for TEXT. */
  media: Type.Array(MediaRef),
  postInfo: ThreadsPostInfo,
});
/** One post or reply. */
export type ThreadsUnit = Static<typeof Unit>;

/** An accepted request, as `posts.request` stores it. */
export const ThreadsRequest = Type.Object({
  ...Unit.properties,
  /** The rest of a chain: each replies to the one before it. */
  replies: Type.Optional(Type.Array(Unit)),
});
export type ThreadsRequest = Static<typeof ThreadsRequest>;
