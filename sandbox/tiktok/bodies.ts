import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false };
const positive = Type.Integer({ minimum: 1 });
const optionalFlag = Type.Optional(Type.Boolean());

const PrivacyLevel = Type.Union([
  Type.Literal('PUBLIC_TO_EVERYONE'),
  Type.Literal('MUTUAL_FOLLOW_FRIENDS'),
  Type.Literal('FOLLOWER_OF_CREATOR'),
  Type.Literal('SELF_ONLY'),
]);

// tiktok-facts 4.3
const VideoPostInfo = Type.Object(
  {
    privacy_level: PrivacyLevel,
    title: Type.Optional(Type.String()),
    disable_duet: optionalFlag,
    disable_stitch: optionalFlag,
    disable_comment: optionalFlag,
    video_cover_timestamp_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
    brand_content_toggle: optionalFlag,
    brand_organic_toggle: optionalFlag,
    is_aigc: optionalFlag,
  },
  closed,
);

export const FileSource = Type.Object(
  {
    source: Type.Literal('FILE_UPLOAD'),
    video_size: positive,
    chunk_size: positive,
    total_chunk_count: positive,
  },
  closed,
);
export type FileSource = Static<typeof FileSource>;

export const UrlSource = Type.Object(
  { source: Type.Literal('PULL_FROM_URL'), video_url: Type.String() },
  closed,
);

export const DirectVideo = Type.Object({ post_info: VideoPostInfo, source_info: Type.Unknown() }, closed);
export const InboxVideo = Type.Object({ source_info: Type.Unknown() }, closed);

// tiktok-facts 4.5: the fields that work for drafts too, and those that "only work" for direct posts.
const photoTexts = { title: Type.Optional(Type.String()), description: Type.Optional(Type.String()) };
const DirectPhotoInfo = Type.Object(
  {
    ...photoTexts,
    privacy_level: PrivacyLevel,
    disable_comment: optionalFlag,
    auto_add_music: optionalFlag,
    brand_content_toggle: Type.Boolean(),
    brand_organic_toggle: Type.Boolean(),
  },
  closed,
);
const photoCommon = {
  media_type: Type.Literal('PHOTO'),
  source_info: Type.Object(
    {
      source: Type.Literal('PULL_FROM_URL'),
      photo_images: Type.Array(Type.String()),
      photo_cover_index: Type.Integer({ minimum: 0 }),
    },
    closed,
  ),
};
export const DirectPhoto = Type.Object(
  {
    ...photoCommon,
    post_mode: Type.Literal('DIRECT_POST'),
    // Beside post_info, not in it (tiktok-facts 4.5).
    is_aigc: optionalFlag,
    post_info: DirectPhotoInfo,
  },
  closed,
);
export const InboxPhoto = Type.Object(
  {
    ...photoCommon,
    post_mode: Type.Literal('MEDIA_UPLOAD'),
    post_info: Type.Optional(Type.Object(photoTexts, closed)),
  },
  closed,
);
export const PhotoMode = Type.Object({
  post_mode: Type.Union([Type.Literal('DIRECT_POST'), Type.Literal('MEDIA_UPLOAD')]),
});

export const PublishIdBody = Type.Object(
  { publish_id: Type.String({ minLength: 1, maxLength: 64 }) },
  closed,
);
