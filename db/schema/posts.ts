import { sql, type SQLWrapper } from 'drizzle-orm';
import { bigint, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { Plan } from '../../plan.ts';
import { at, id, createdAt, updatedAt, requestId } from './columns.ts';
import { userId } from './users.ts';
import { oauthAccounts } from './accounts.ts';
import { media } from './media.ts';

/**
 * The states that a post cannot leave, except `unknown` (proved later) and `delivered` (the creator posts the draft).
 */
export const FINAL_STATES = ['published', 'delivered', 'failed', 'cancelled', 'unknown'] as const;

/** Every state of a post: waiting and working ones first, final ones last. */
export const POST_STATES = [
  'accepted',
  'scheduled',
  'waiting_quota',
  'waiting_account',
  'transferring',
  'processing',
  ...FINAL_STATES,
] as const;

export type PostState = (typeof POST_STATES)[number];

/** Why an open post waits. */
export interface PostWaiting {
  reason: 'schedule' | 'quota' | 'account' | 'provider' | 'review';
  /** The quota that it waits for, if any. */
  quota: string | null;
  /** RFC 3339; null: no time ends the wait. */
  until: string | null;
  userMessage: string;
}

export function isFinal(state: PostState): state is (typeof FINAL_STATES)[number] {
  return FINAL_STATES.some((final) => final === state);
}

/** Why a post failed, as clients see it in `error` (without the provider's own words, which are in `details`). */
export interface PostError {
  code: string;
  message: string;
  userMessage: string;
  retryable: boolean;
  details: Record<string, unknown>;
}

/** All files in the request of a post (carousels, chains), as JSON; indexed. */
export const namedMedia = (request: SQLWrapper) => sql`jsonb_path_query_array(${request}, '$.**.mediaId')`;

export const posts = pgTable(
  'posts',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    provider: text('provider').notNull(),
    mediaId: uuid('media_id'),
    /** The accepted request, in the provider's shape (`providers/<name>/publish.ts`). */
    request: jsonb('request').notNull(),
    plan: jsonb('plan').$type<Plan>().notNull(),
    /** What operators read in the Temporal UI; null: too little is known of the post. */
    summary: text('summary'),
    requestId: requestId(),
    /** Null: the workflow was never started, and the sweep will start it. */
    workflowStartedAt: at('workflow_started_at'),
    /** When the sweep last checked that post and workflow agree: both open, or both ended. */
    workflowCheckedAt: at('workflow_checked_at'),
    /** When both had ended. Null: the sweep keeps checking. */
    workflowEndedAt: at('workflow_ended_at'),
    fingerprint: text('fingerprint').notNull(),
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash').notNull(),
    state: text('state').$type<PostState>().notNull().default('accepted'),
    /** The current step of the plan, or `reconciling`. */
    phase: text('phase'),
    nextStep: text('next_step'),
    nextAt: at('next_at'),
    /** Why it waits, for the author of the post; null: it does not wait, or the state says it all. */
    waiting: jsonb('waiting').$type<PostWaiting>(),
    onQuota: text('on_quota').$type<'wait' | 'fail'>().notNull().default('wait'),
    scheduledAt: at('scheduled_at'),
    /** When waiting for quota, account or provider ends. */
    deadlineAt: at('deadline_at').notNull(),
    /** The deadline that the client asked for; null: 72 hours after the post is due. */
    clientDeadlineAt: at('client_deadline_at'),
    sentBytes: bigint('sent_bytes', { mode: 'number' }),
    totalBytes: bigint('total_bytes', { mode: 'number' }),
    /** The provider's id of the act of publishing. */
    publishId: text('publish_id'),
    /** The provider's id of the live post. */
    providerPostId: text('provider_post_id'),
    permalink: text('permalink'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    error: jsonb('error').$type<PostError>(),
    /** When the provider was asked to drop it, because a user cancelled it. */
    recalledAt: at('recalled_at'),
    /** When the user asked to delete the live post. */
    deletionRequestedAt: at('deletion_requested_at'),
    /**
     * When the workflow of the deletion was last known to run. Null: it was never started, and the sweep will start it.
     */
    deletionStartedAt: at('deletion_started_at'),
    /** Why it could not be deleted; a new request clears it. */
    deletionError: jsonb('deletion_error').$type<PostError>(),
    /** When no part of it was live any more. */
    deletedAt: at('deleted_at'),
    /** Counts changes; the id of server-sent events. */
    version: integer('version').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.id),
    unique().on(t.userId, t.idempotencyKey),
    unique().on(t.provider, t.publishId),
    index().on(t.userId, t.createdAt),
    index().on(t.oauthAccountId, t.fingerprint),
    // Both find the posts of a file.
    index('posts_media')
      .on(t.mediaId)
      .where(sql`media_id is not null`),
    index('posts_named_media').using('gin', namedMedia(t.request)),
    index('posts_unstarted')
      .on(t.createdAt)
      .where(sql`workflow_started_at is null`),
    index('posts_deleting')
      .on(t.deletionStartedAt)
      .where(sql`deletion_requested_at is not null and deleted_at is null and deletion_error is null`),
    index('posts_with_workflow')
      .on(t.workflowCheckedAt)
      .where(sql`workflow_ended_at is null`),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
    foreignKey({ columns: [t.userId, t.mediaId], foreignColumns: [media.userId, media.id] }),
  ],
);
