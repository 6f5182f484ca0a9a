import { foreignKey, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, updatedAt } from './columns.ts';
import { userId } from './users.ts';
import { posts } from './posts.ts';

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
