import { foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { oauthAccounts } from './accounts.ts';
import { at, copyColumns, counter, createdAt, id, updatedAt } from './columns.ts';
import { userId } from './users.ts';
import { posts } from './posts.ts';

/** What TikTok says of the posts that Everpost published. */
export const tiktokPosts = pgTable(
  'tiktok_posts',
  {
    postId: uuid('post_id').primaryKey(),
    userId: userId(),
    publishId: text('publish_id').unique(),
    /** TikTok's own status of the publish. */
    status: text('status'),
    source: text('source').notNull(),
    mode: text('mode').notNull(),
    title: text('title'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [foreignKey({ columns: [t.userId, t.postId], foreignColumns: [posts.userId, posts.id] })],
);

/** Copies of a creator's public videos. */
export const tiktokVideos = pgTable(
  'tiktok_videos',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    videoId: text('video_id').notNull(),
    title: text('title'),
    description: text('description'),
    createTime: at('create_time'),
    /** Seconds. */
    duration: integer('duration'),
    width: integer('width'),
    height: integer('height'),
    shareUrl: text('share_url'),
    coverImageUrl: text('cover_image_url'),
    /** When the URL of the cover ends. */
    coverUntil: at('cover_until'),
    likeCount: counter('like_count'),
    commentCount: counter('comment_count'),
    shareCount: counter('share_count'),
    viewCount: counter('view_count'),
    /** The post that published it; several videos may come from one draft. */
    postId: uuid('post_id'),
    ...copyColumns(),
  },
  (t) => [
    unique().on(t.oauthAccountId, t.videoId),
    unique().on(t.userId, t.id),
    index().on(t.oauthAccountId, t.createTime),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
    foreignKey({ columns: [t.userId, t.postId], foreignColumns: [posts.userId, posts.id] }),
  ],
);
