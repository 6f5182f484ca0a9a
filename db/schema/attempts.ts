import { sql } from 'drizzle-orm';
import {
  bigint,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt } from './columns.ts';
import { userId } from './users.ts';
import { posts } from './posts.ts';

export type AttemptStatus = 'prepared' | 'sent' | 'accepted' | 'rejected' | 'unknown';

export const publishAttempts = pgTable(
  'publish_attempts',
  {
    id: id(),
    postId: uuid('post_id').notNull(),
    userId: userId(),
    step: text('step').notNull(),
    status: text('status').$type<AttemptStatus>().notNull().default('prepared'),
    /** The provider's id of the result of the write. */
    providerRef: text('provider_ref'),
    /** A secret that later steps need, such as an upload URL. */
    secretEncrypted: bytea('secret_encrypted'),
    /** How much of the file has arrived at the upload that the write opened; null: nothing was sent. */
    sentBytes: bigint('sent_bytes', { mode: 'number' }),
    /** The provider's references of the file's parts, by the position of their first byte. */
    partRefs: jsonb('part_refs').$type<Record<string, string>>(),
    /** The token that the write was sent with. */
    tokenVersion: integer('token_version'),
    logId: text('log_id'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    createdAt: createdAt(),
    sentAt: at('sent_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [
    foreignKey({ columns: [t.userId, t.postId], foreignColumns: [posts.userId, posts.id] }),
    index().on(t.postId, t.step, t.createdAt),
    uniqueIndex('publish_attempts_one_open')
      .on(t.postId, t.step)
      .where(sql`status in ('prepared', 'sent')`),
  ],
);
