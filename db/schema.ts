import { sql, type SQLWrapper } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  customType,
  doublePrecision,
  foreignKey,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Plan } from '../plan.ts';

/*
 * Everything Everpost remembers (docs/architecture.md, "Data"). Names are a contract: users query these tables.
 * A row that belongs to a tenant carries user_id, and its foreign keys include it, so that no row can point into
 * another tenant's data.
 */

const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => 'bytea',
  toDriver: (value) => Buffer.from(value),
});
const at = (name: string) => timestamp(name, { withTimezone: true });
const id = () => uuid('id').primaryKey().defaultRandom();
const createdAt = () => at('created_at').notNull().defaultNow();
const updatedAt = () =>
  at('updated_at')
    .notNull()
    .defaultNow()
    .$onUpdate(() => new Date());

export type AccountStatus = 'active' | 'reauth_required' | 'disconnected';
export type MediaState = 'uploading' | 'ready' | 'rejected' | 'expired';
export type AttemptStatus = 'prepared' | 'sent' | 'accepted' | 'rejected' | 'unknown';

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

/** The HTTP request that a row came with; its workflow and its log lines carry it on. */
const requestId = () => text('request_id');

/** This installation: exactly one row, made by the first process that needs it (db/installation.ts). */
export const installation = pgTable(
  'installation',
  {
    id: id(),
    /**
     * 32 random bytes, wrapped like a data key; identities of repeated requests are computed from them. Null only after
     * an operator has given up a lost key: then the next process makes a new secret.
     */
    kekId: text('kek_id'),
    secretWrapped: bytea('secret_wrapped'),
    /** When a server has put the id into the media folder; from then on no process makes that folder any more. */
    mediaMarkedAt: at('media_marked_at'),
    createdAt: createdAt(),
  },
  () => [uniqueIndex('installation_one_row').on(sql`(true)`)],
);

export const users = pgTable('users', {
  id: id(),
  email: text('email').notNull().unique(),
  /** As creators see it who are asked to connect an account. */
  displayName: text('display_name'),
  /** Of the request that made it, where that had an Idempotency-Key: the name may change afterwards. */
  requestHash: text('request_hash'),
  createdAt: createdAt(),
});

const userId = () =>
  uuid('user_id')
    .notNull()
    .references((): AnyPgColumn => users.id);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: id(),
    userId: userId(),
    name: text('name').notNull(),
    /** The first characters of the key, so that a person can tell keys apart. */
    prefix: text('prefix').notNull(),
    hash: text('hash').notNull().unique(),
    scopes: text('scopes').array().notNull(),
    expiresAt: at('expires_at'),
    lastUsedAt: at('last_used_at'),
    revokedAt: at('revoked_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.userId)],
);

/** How an account is connected, where its provider has several ways; null: there is one, or the usual one is meant. */
const method = () => text('method');

/** One-time links with which a creator connects an account in any browser. */
export const connectLinks = pgTable(
  'connect_links',
  {
    id: id(),
    hash: text('hash').notNull().unique(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    /** Who asks, as the creator sees it; null: the user's display name. */
    name: text('name'),
    returnTo: text('return_to'),
    expiresAt: at('expires_at').notNull(),
    usedAt: at('used_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.expiresAt)],
);

/** How an attempt to connect has ended, as its page says it. */
export type StoredResult =
  { accounts: readonly string[] } | { code: string; scopes?: readonly string[]; unavailable?: boolean };

export const oauthStates = pgTable(
  'oauth_states',
  {
    id: id(),
    hash: text('hash').notNull().unique(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    returnTo: text('return_to'),
    connectLinkId: uuid('connect_link_id').references(() => connectLinks.id),
    /** Of the half that only the creator's browser has, in a cookie. */
    browserHash: text('browser_hash'),
    /** The PKCE verifier's 32 bytes, wrapped by the KEK like a data key. */
    verifierKekId: text('verifier_kek_id').notNull(),
    verifierWrapped: bytea('verifier_wrapped').notNull(),
    expiresAt: at('expires_at').notNull(),
    usedAt: at('used_at'),
    /** Of the token in the address of the page that shows the result, for as long as that says. */
    resultHash: text('result_hash').unique(),
    result: jsonb('result').$type<StoredResult>(),
    resultExpiresAt: at('result_expires_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.expiresAt), index().on(t.connectLinkId)],
);

/** Calls under way that make or end grants at a provider (db/grant-calls.ts). */
export const grantCalls = pgTable('grant_calls', {
  id: id(),
  provider: text('provider').notNull(),
  kind: text('kind').$type<'exchange' | 'revocation'>().notNull(),
  /** From then on it counts as ended, also where its process has died. */
  expiresAt: at('expires_at').notNull(),
});

export const dataKeys = pgTable('data_keys', {
  id: id(),
  kekId: text('kek_id').notNull(),
  wrapped: bytea('wrapped').notNull(),
  createdAt: createdAt(),
  retiredAt: at('retired_at'),
});

export const oauthAccounts = pgTable(
  'oauth_accounts',
  {
    id: id(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    /** The provider's id of the person for our app; opaque, never normalised. */
    openId: text('open_id').notNull(),
    scope: text('scope').array().notNull(),
    dataKeyId: uuid('data_key_id').references(() => dataKeys.id),
    accessTokenEncrypted: bytea('access_token_encrypted'),
    refreshTokenEncrypted: bytea('refresh_token_encrypted'),
    expiresAt: at('expires_at'),
    refreshExpiresAt: at('refresh_expires_at'),
    issuedAt: at('issued_at'),
    /** Since when the account warns that its connection is about to end; null: nothing was said about this token pair. */
    expiringSince: at('expiring_since'),
    /** The creator's last consent. An event about an earlier one says nothing about this one. */
    connectedAt: at('connected_at').notNull(),
    /** Counts stored token pairs; every change is a compare-and-set on it. */
    tokenVersion: integer('token_version').notNull().default(1),
    status: text('status').$type<AccountStatus>().notNull().default('active'),
    statusReason: text('status_reason'),
    /** Until then the provider refuses every call for the account, as it has said; each one before it may prolong that. */
    callsRefusedUntil: at('calls_refused_until'),
    /** When the sweep last looked whether the keeper of its tokens runs. */
    keeperCheckedAt: at('keeper_checked_at'),
    username: text('username'),
    displayName: text('display_name'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.provider, t.openId),
    unique().on(t.userId, t.id),
    index().on(t.provider, t.openId),
  ],
);

/** What an Instagram account has beyond others: how it is reached, and for whom. */
export const instagramAccounts = pgTable(
  'instagram_accounts',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull().unique(),
    igBusinessId: text('ig_business_id').notNull(),
    /** With Facebook Login. */
    pageId: text('page_id'),
    username: text('username'),
    /** How the account was connected: `facebook_login` or `instagram_login`. */
    accessLevel: text('access_level').notNull(),
    pageAccessTokenEncrypted: bytea('page_access_token_encrypted'),
    /** Whom the deauthorize callback names: the Facebook user; with Instagram Login the account, by its id for our app. */
    facebookUserId: text('facebook_user_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.igBusinessId),
    unique().on(t.userId, t.id),
    index().on(t.facebookUserId),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
  ],
);

/** What an account has published, as far as we have heard of it. */
export const igMedia = pgTable(
  'ig_media',
  {
    id: id(),
    userId: userId(),
    instagramAccountId: uuid('instagram_account_id').notNull(),
    igId: text('ig_id').notNull(),
    mediaType: text('media_type'),
    caption: text('caption'),
    permalink: text('permalink'),
    timestamp: at('timestamp'),
    metricsJson: jsonb('metrics_json').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.instagramAccountId, t.igId),
    unique().on(t.userId, t.id),
    foreignKey({
      columns: [t.userId, t.instagramAccountId],
      foreignColumns: [instagramAccounts.userId, instagramAccounts.id],
    }),
  ],
);

export const igComments = pgTable(
  'ig_comments',
  {
    id: id(),
    userId: userId(),
    igMediaId: uuid('ig_media_id').notNull(),
    igId: text('ig_id').notNull(),
    fromUser: text('from_user'),
    text: text('text'),
    hidden: boolean('hidden').notNull().default(false),
    timestamp: at('timestamp'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.igMediaId, t.igId),
    foreignKey({ columns: [t.userId, t.igMediaId], foreignColumns: [igMedia.userId, igMedia.id] }),
  ],
);

/** People who asked a provider to have their data deleted here; the status page tells from it. */
export const dataDeletions = pgTable('data_deletions', {
  id: id(),
  /** Public: whoever knows it may ask how the deletion stands. */
  code: text('code').notNull().unique(),
  provider: text('provider').notNull(),
  accounts: integer('accounts').notNull(),
  requestedAt: at('requested_at').notNull().defaultNow(),
  completedAt: at('completed_at'),
});

export const media = pgTable(
  'media',
  {
    id: id(),
    userId: userId(),
    filename: text('filename').notNull(),
    contentType: text('content_type').notNull(),
    size: bigint('size', { mode: 'number' }).notNull(),
    storageKey: text('storage_key').notNull().unique(),
    state: text('state').$type<MediaState>().notNull().default('uploading'),
    rejectedReason: text('rejected_reason'),
    sha256: text('sha256'),
    container: text('container'),
    codec: text('codec'),
    durationMs: integer('duration_ms'),
    fps: doublePrecision('fps'),
    /** Of the pictures of a video, bits a second. */
    bitRate: bigint('bit_rate', { mode: 'number' }),
    width: integer('width'),
    height: integer('height'),
    /** How a video keeps colours: `4:2:0`, ... */
    chroma: text('chroma'),
    audioCodec: text('audio_codec'),
    audioChannels: integer('audio_channels'),
    /** Hertz. */
    audioSampleRate: integer('audio_sample_rate'),
    /** Whether the index of an MP4 or MOV (`moov`) stands before its pictures. */
    indexFirst: boolean('index_first'),
    /** How often a parser was started on the file without coming to an end. */
    examinations: integer('examinations').notNull().default(0),
    /** When an upload that is not complete is given up. */
    expiresAt: at('expires_at').notNull(),
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash').notNull(),
    requestId: requestId(),
    /** Set when the workflow is known to run; until then the sweep starts it. */
    workflowStartedAt: at('workflow_started_at'),
    /** Set when the last byte has arrived; probing may still be under way. */
    uploadedAt: at('uploaded_at'),
    /** For its owner it is gone from then on; the row stays, because posts refer to it. */
    deletedAt: at('deleted_at'),
    /** When the store was rid of a file that nobody can use any more. Null: the sweep sees to it. */
    fileRemovedAt: at('file_removed_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.id),
    unique().on(t.userId, t.idempotencyKey),
    index('media_uploading')
      .on(t.createdAt)
      .where(sql`state = 'uploading' and deleted_at is null`),
    index('media_with_useless_file')
      .on(t.updatedAt)
      .where(sql`file_removed_at is null and (deleted_at is not null or state in ('rejected', 'expired'))`),
    index('media_kept')
      .on(t.createdAt)
      .where(sql`state = 'ready' and deleted_at is null`),
  ],
);

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
    /** The provider's id of the act of publishing (TikTok `publish_id`, Meta container id). */
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

export const tiktokPosts = pgTable(
  'tiktok_posts',
  {
    postId: uuid('post_id').primaryKey(),
    userId: userId(),
    publishId: text('publish_id').unique(),
    /** TikTok's own word for where the publish stands. */
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

export const publishAttempts = pgTable(
  'publish_attempts',
  {
    id: id(),
    postId: uuid('post_id').notNull(),
    userId: userId(),
    step: text('step').notNull(),
    status: text('status').$type<AttemptStatus>().notNull().default('prepared'),
    /** The id that the provider gave to what the write made. */
    providerRef: text('provider_ref'),
    /** A secret that later steps need, such as TikTok's upload URL. */
    secretEncrypted: bytea('secret_encrypted'),
    /** How much of the file has arrived that was sent to where the write said; null: nothing was sent. */
    sentBytes: bigint('sent_bytes', { mode: 'number' }),
    /** How the provider refers to the parts of that file, by the position of their first byte. */
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

export const quotaReservations = pgTable(
  'quota_reservations',
  {
    id: id(),
    oauthAccountId: uuid('oauth_account_id')
      .notNull()
      .references(() => oauthAccounts.id),
    bucket: text('bucket').notNull(),
    at: at('at').notNull().defaultNow(),
    postId: uuid('post_id').references(() => posts.id),
    releasedAt: at('released_at'),
    /** How much of the quota it takes. */
    units: integer('units').notNull().default(1),
    /** Of a quota that all accounts of an app share: their provider. Null: it is the account's own. */
    app: text('app'),
  },
  (t) => [
    index().on(t.oauthAccountId, t.bucket, t.at),
    index('quota_reservations_of_app')
      .on(t.app, t.bucket, t.at)
      .where(sql`app is not null`),
  ],
);

/** Limits that a provider tells nobody beforehand, as a refusal has shown them. */
export const quotaLimits = pgTable(
  'quota_limits',
  {
    oauthAccountId: uuid('oauth_account_id')
      .notNull()
      .references(() => oauthAccounts.id),
    bucket: text('bucket').notNull(),
    limit: integer('limit').notNull(),
    /** What the provider itself counted then; null: the limit was shown by a refusal. */
    used: integer('used'),
    /** The post that was refused. */
    postId: uuid('post_id').references(() => posts.id),
    shownAt: at('shown_at').notNull(),
    /** Until then only the post that was refused asks again. */
    askAgainAt: at('ask_again_at').notNull(),
    /** Of a quota that all accounts of an app share: their provider. Null: it is the account's own. */
    app: text('app'),
  },
  (t) => [primaryKey({ columns: [t.oauthAccountId, t.bucket] })],
);

export const webhookEvents = pgTable(
  'webhook_events',
  {
    id: id(),
    provider: text('provider').notNull(),
    eventType: text('event_type').notNull(),
    externalId: text('external_id').notNull(),
    requestId: requestId(),
    /** As it came: `json`, not `jsonb`, keeps the text and with it every digit. */
    payloadJson: json('payload_json').notNull(),
    /** May belong to accounts of several tenants: the handler applies it to each. */
    providerAccountId: text('provider_account_id'),
    processedAt: at('processed_at'),
    errorMessage: text('error_message'),
    retryCount: integer('retry_count').notNull().default(0),
    receivedAt: at('received_at').notNull().defaultNow(),
    /** When its workflow was last known to run. Null: nobody has started it yet, the sweep will. */
    workflowStartedAt: at('workflow_started_at'),
    /** When its workflow ended without having applied it; a replay clears it. */
    givenUpAt: at('given_up_at'),
    /** Whether an operator asked for it to be applied again. */
    replayed: boolean('replayed').notNull().default(false),
  },
  (t) => [
    unique().on(t.provider, t.externalId),
    index().on(t.receivedAt),
    index('webhook_events_waiting')
      .on(t.receivedAt)
      .where(sql`processed_at is null`),
  ],
);

export const auditLog = pgTable(
  'audit_log',
  {
    id: id(),
    at: at('at').notNull().defaultNow(),
    userId: uuid('user_id'),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject'),
    ip: text('ip'),
    details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
  },
  (t) => [index().on(t.userId, t.at), index().on(t.at)],
);
