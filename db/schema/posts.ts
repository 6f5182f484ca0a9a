import { sql, type SQLWrapper } from 'drizzle-orm';
import { bigint, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { Plan } from '../../plan.ts';
import { at, id, createdAt, updatedAt, requestId } from './columns.ts';
import { userId } from './users.ts';
import { oauthAccounts } from './accounts.ts';
import { media } from './media.ts';

/** The states that a post can no longer leave, but for `unknown` (proved later) and `delivered` (the creator posts the draft). */
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
  /** Which quota, where it waits for one. */
  quota: string | null;
  /** RFC 3339; null where no time ends it. */
  until: string | null;
  userMessage: string;
}

export function isFinal(state: PostState): state is (typeof FINAL_STATES)[number] {
  return FINAL_STATES.some((final) => final === state);
}

/** What went wrong with a post, as clients see it in `error` (without the provider's own words, which stand in `details`). */
export interface PostError {
  code: string;
  message: string;
  userMessage: string;
  retryable: boolean;
  details: Record<string, unknown>;
}

/** The files that the request of a post names anywhere (carousels, chains), as JSON; an index holds them. */
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
    /** What operators read in the Temporal UI, whoever starts the workflow; null: too little is known of it. */
    summary: text('summary'),
    requestId: requestId(),
    /** Null: nobody has started the workflow yet, the sweep will. */
    workflowStartedAt: at('workflow_started_at'),
    /** When the sweep last looked whether post and workflow agree: both open, or both ended. */
    workflowCheckedAt: at('workflow_checked_at'),
    /** When both had ended. Null: the sweep goes on looking. */
    workflowEndedAt: at('workflow_ended_at'),
    fingerprint: text('fingerprint').notNull(),
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash').notNull(),
    state: text('state').$type<PostState>().notNull().default('accepted'),
    /** What is being done right now: a step of the plan, or `reconciling`. */
    phase: text('phase'),
    nextStep: text('next_step'),
    nextAt: at('next_at'),
    /** Why it waits, for the person whose post it is; null: it does not, or its state says it all. */
    waiting: jsonb('waiting').$type<PostWaiting>(),
    onQuota: text('on_quota').$type<'wait' | 'fail'>().notNull().default('wait'),
    scheduledAt: at('scheduled_at'),
    /** When waiting for quota, account or provider is given up. */
    deadlineAt: at('deadline_at').notNull(),
    /** The deadline that the client has asked for; null: 72 hours after the post is due. */
    clientDeadlineAt: at('client_deadline_at'),
    sentBytes: bigint('sent_bytes', { mode: 'number' }),
    totalBytes: bigint('total_bytes', { mode: 'number' }),
    /** The provider's id of the act of publishing. */
    publishId: text('publish_id'),
    /** The provider's id of what is live. */
    providerPostId: text('provider_post_id'),
    permalink: text('permalink'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    error: jsonb('error').$type<PostError>(),
    /** When the provider was asked to drop it, for a user who cancelled it. */
    recalledAt: at('recalled_at'),
    /** When the user asked for what is live to be deleted. */
    deletionRequestedAt: at('deletion_requested_at'),
    /** When the workflow that deletes it was last known to run. Null: nobody has started it yet, the sweep will. */
    deletionStartedAt: at('deletion_started_at'),
    /** Why it could not be deleted; asking again clears it. */
    deletionError: jsonb('deletion_error').$type<PostError>(),
    /** Nothing of it is live any more. */
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
