import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ActionKind, MetricsState } from '../../reading.ts';
import { accountKey } from './account-key.ts';
import { at, counter, createdAt, id, requestId, updatedAt } from './columns.ts';
import type { PostError } from './posts.ts';
import { userId } from './users.ts';

/* How far Everpost has copied what the platforms know, and what was done with it (docs/architecture.md, "Sync"). */

export type SyncState =
  'idle' | 'running' | 'waiting_quota' | 'permission_missing' | 'unsupported' | 'paused' | 'failed';

/** What a stream's reader remembers of the running pass, besides its cursor. */
export interface PassProgress {
  mode: 'incremental' | 'full';
  /** False: a page was refused or repeated, or the login changed: the pass proves no absence. */
  whole: boolean;
  /** The creator's consent under which the pass began. */
  login: string;
  /** The cursors of its pages, as short hashes: one that comes again is an error. */
  cursors: string[];
  /** The number of items that it has seen, and the oldest and the newest of them: RFC 3339. */
  seen: number;
  oldest?: string;
  newest?: string;
  /** It has changed something. */
  changed: boolean;
  /** The items that could not be stored. */
  refused?: number;
  /** An event asked for it: it goes on where others wait for quota. */
  urgent?: boolean;
  /** Subjects: the hint that it follows: RFC 3339. */
  hintedAt?: string;
  /** The list has ended; what the pass did not see is being asked for by id, after the row `checkedAfter`. */
  confirming?: boolean;
  checkedAfter?: string;
  /** So many copies are missing at once: only those that have been missing for an hour are removed. */
  held?: number;
}

/** What a stream's reader remembers from one page to the next. */
export interface Progress {
  /** Absent: no pass is running. */
  pass?: PassProgress;
  /** A full pass is to begin after the running one. */
  full?: boolean;
  /** An event has asked for a pass since the last one began. */
  hinted?: boolean;
  /** When refused cursors restarted a pass: RFC 3339. */
  restarts?: string[];
  /** The page size after the platform refused larger pages. */
  limit?: number;
  /** Failures in a row. */
  failures?: number;
  /** The feed says that the stream has failed. */
  told?: boolean;
  /** The version of the token that was refused last; absent after a read that succeeded. */
  refusedToken?: number;
  /** Provider ids of things that events say are deleted: to be asked for by id, not before `goneAfter` (RFC 3339). */
  gone?: string[];
  goneAfter?: string;
  /** Comments that replies name, and that the platform does not tell by id either: how often it was asked. */
  absent?: Record<string, number>;
  /** The metrics that the platform refuses, by kind of media, and until when Everpost believes that: RFC 3339. */
  refused?: Record<string, Record<string, string>>;
}

/** How far a stream of an account has been read. */
export const syncStates = pgTable(
  'sync_states',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    stream: text('stream').notNull(),
    state: text('state').$type<SyncState>().notNull().default('idle'),
    reason: text('reason'),
    /** Where the running pass goes on; null: at the first page. */
    cursor: text('cursor'),
    /** Counts passes; 0: none has begun. */
    pass: integer('pass').notNull().default(0),
    /** Null: no pass is running. */
    passStartedAt: at('pass_started_at'),
    fullPassCompletedAt: at('full_pass_completed_at'),
    /** Whether a pass has ever reached the end of the list. */
    backfillComplete: boolean('backfill_complete').notNull().default(false),
    /** The time of the newest item that a finished pass has seen. */
    watermark: at('watermark'),
    /** The time of the oldest item that the platform lists, where its list is cut; null: all of it is covered. */
    coveredUntil: at('covered_until'),
    /** Null: nothing asks again by itself. */
    nextDueAt: at('next_due_at'),
    /** Rounds in a row that changed nothing. */
    unchangedStreak: integer('unchanged_streak').notNull().default(0),
    lastAttemptAt: at('last_attempt_at'),
    lastSuccessAt: at('last_success_at'),
    rowsSeen: bigint('rows_seen', { mode: 'number' }).notNull().default(0),
    callsUsed: bigint('calls_used', { mode: 'number' }).notNull().default(0),
    progress: jsonb('progress').$type<Progress>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique().on(t.oauthAccountId, t.stream), index('sync_states_due').on(t.nextDueAt), accountKey(t)],
);

/** How far a stream has been read for one media. */
export const syncSubjects = pgTable(
  'sync_subjects',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    stream: text('stream').notNull(),
    /** The provider's id of the media. */
    subjectId: text('subject_id').notNull(),
    /** Null: nothing asks again by itself. */
    nextDueAt: at('next_due_at'),
    lastReadAt: at('last_read_at'),
    metricsState: text('metrics_state').$type<MetricsState>(),
    /** The metrics that the platform refuses for media of its kind. */
    refusedMetrics: text('refused_metrics').array().notNull().default([]),
    /** False: the last read did not reach the end of its list. */
    complete: boolean('complete').notNull().default(false),
    /** When a webhook or a changed count asked for a read: before all others. */
    hintedAt: at('hinted_at'),
    /** The number of comments that the list told at the last read. */
    knownCount: counter('known_count'),
    /** Where the running pass over its list goes on. */
    cursor: text('cursor'),
    pass: integer('pass').notNull().default(0),
    progress: jsonb('progress').$type<Progress>().notNull().default({}),
    unchangedStreak: integer('unchanged_streak').notNull().default(0),
  },
  (t) => [
    unique().on(t.oauthAccountId, t.stream, t.subjectId),
    index().on(t.oauthAccountId, t.stream, t.nextDueAt),
    accountKey(t),
  ],
);

/** The calls for one account of a provider in one window, whichever tenants have connected it. Numbers only. */
export const apiUsage = pgTable(
  'api_usage',
  {
    provider: text('provider').notNull(),
    providerAccountId: text('provider_account_id').notNull(),
    windowStart: at('window_start').notNull(),
    callsSync: bigint('calls_sync', { mode: 'number' }).notNull().default(0),
    callsOther: bigint('calls_other', { mode: 'number' }).notNull().default(0),
    /** Of the platform's limit, as its headers tell; null: they told nothing. */
    percent: integer('percent'),
    percentAt: at('percent_at'),
    /** Until then the platform refuses what sync asks; publishing has its own times. */
    refusedUntil: at('refused_until'),
    /** Refusals in a row that named no time. */
    refusals: integer('refusals').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.provider, t.providerAccountId, t.windowStart] })],
);

export type ActionState = 'accepted' | 'sent' | 'done' | 'failed' | 'unknown';

/** A moderation of a comment that a client asked for. */
export const commentActions = pgTable(
  'comment_actions',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    idempotencyKey: text('idempotency_key'),
    kind: text('kind').$type<ActionKind>().notNull(),
    /** The comment: the id of its copy, which `all_comments` shows. */
    subject: uuid('subject').notNull(),
    requestHash: text('request_hash').notNull(),
    /** The text of a reply. */
    text: text('text'),
    /** The comment was so already. */
    repeat: boolean('repeat').notNull().default(false),
    requestId: requestId(),
    state: text('state').$type<ActionState>().notNull().default('accepted'),
    /** The provider's id of the reply. */
    providerRef: text('provider_ref'),
    /** The post that carries the reply. */
    postId: uuid('post_id'),
    error: jsonb('error').$type<PostError>(),
    /** How often it was sent. */
    tries: integer('tries').notNull().default(0),
    /** When it was first sent. */
    sentAt: at('sent_at'),
    lastSentAt: at('last_sent_at'),
    /** When its workflow was started, or last seen running; null: never, or it needs none. */
    startedAt: at('started_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.idempotencyKey),
    index().on(t.oauthAccountId, t.subject),
    index().on(t.oauthAccountId, t.providerRef),
    // The open ones that a workflow performs.
    index()
      .on(t.startedAt)
      .where(sql`${t.state} not in ('done', 'failed') and ${t.error} is null and ${t.postId} is null`),
    accountKey(t),
  ],
);

/**
 * The feed of changes. A transaction takes the user's turn before it draws its numbers and keeps it until it has
 * committed: so no row appears behind one that was read.
 */
export const changes = pgTable(
  'changes',
  {
    /** An identity, which needs no right on a sequence. */
    seq: bigint('seq', { mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    kind: text('kind').notNull(),
    subjectTable: text('subject_table').notNull(),
    /** The id of its row. */
    subjectId: uuid('subject_id').notNull(),
    at: at('at').notNull().defaultNow(),
    data: jsonb('data').$type<Record<string, unknown>>().notNull().default({}),
  },
  (t) => [index().on(t.userId, t.seq), index().on(t.at), index().on(t.oauthAccountId), accountKey(t)],
);
