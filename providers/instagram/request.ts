import { Type, type Static } from 'typebox';
import { MediaRef } from '../meta/media.ts';
import { Address, Name, Words } from '../texts.ts';

const UserTag = Type.Object(
  {
    username: Name,
    x: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    y: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
);
export type UserTag = Static<typeof UserTag>;
/** The platform allows about 20 and checks the exact limit itself. */
export const UserTags = Type.Array(UserTag, { maxItems: 100 });

/** Meta's own field names (instagram-facts 4.1). */
export const InstagramPostInfo = Type.Object(
  {
    caption: Type.Optional(Words),
    alt_text: Type.Optional(Words),
    user_tags: Type.Optional(UserTags),
    location_id: Type.Optional(Name),
    collaborators: Type.Optional(Type.Array(Name, { maxItems: 100 })),
    cover_url: Type.Optional(Address),
    thumb_offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
    share_to_feed: Type.Optional(Type.Boolean()),
    audio_name: Type.Optional(Words),
    is_ai_generated: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type InstagramPostInfo = Static<typeof InstagramPostInfo>;

/** An accepted request, as `posts.request` stores it. */
export const InstagramRequest = Type.Object({
  mediaType: Type.Union([
    Type.Literal('IMAGE'),
    Type.Literal('REELS'),
    Type.Literal('STORIES'),
    Type.Literal('CAROUSEL'),
  ]),
  /** In order; exactly one unless it is a CAROUSEL. */
  media: Type.Array(MediaRef),
  postInfo: InstagramPostInfo,
});
export type InstagramRequest = Static<typeof InstagramRequest>;
