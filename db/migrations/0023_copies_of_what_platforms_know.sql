CREATE TABLE "tiktok_videos" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"video_id" text NOT NULL,
	"title" text,
	"description" text,
	"create_time" timestamp with time zone,
	"duration" integer,
	"width" integer,
	"height" integer,
	"share_url" text,
	"cover_image_url" text,
	"cover_until" timestamp with time zone,
	"like_count" bigint,
	"comment_count" bigint,
	"share_count" bigint,
	"view_count" bigint,
	"post_id" uuid,
	"source" text DEFAULT 'webhook' NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone,
	"seen_pass" integer,
	"missing_since" timestamp with time zone,
	"removed_at" timestamp with time zone,
	"removed_reason" text,
	"raw" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tiktok_videos_oauth_account_id_video_id_unique" UNIQUE("oauth_account_id","video_id"),
	CONSTRAINT "tiktok_videos_user_id_id_unique" UNIQUE("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "threads_media" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"threads_id" text NOT NULL,
	"media_type" text,
	"text" text,
	"permalink" text,
	"shortcode" text,
	"timestamp" timestamp with time zone,
	"reply_audience" text,
	"topic_tag" text,
	"is_quote" boolean,
	"quoted_id" text,
	"reposted_id" text,
	"ghost_until" timestamp with time zone,
	"children" jsonb,
	"metrics_json" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"post_id" uuid,
	"chain_index" integer,
	"source" text DEFAULT 'webhook' NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone,
	"seen_pass" integer,
	"missing_since" timestamp with time zone,
	"removed_at" timestamp with time zone,
	"removed_reason" text,
	"raw" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "threads_media_oauth_account_id_threads_id_unique" UNIQUE("oauth_account_id","threads_id"),
	CONSTRAINT "threads_media_user_id_id_unique" UNIQUE("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "threads_replies" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"threads_id" text NOT NULL,
	"root_id" text,
	"replied_to_id" text,
	"username" text,
	"text" text,
	"timestamp" timestamp with time zone,
	"has_replies" boolean,
	"hide_status" text,
	"approval" text,
	"own" boolean DEFAULT false NOT NULL,
	"source" text DEFAULT 'webhook' NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone,
	"seen_pass" integer,
	"missing_since" timestamp with time zone,
	"removed_at" timestamp with time zone,
	"removed_reason" text,
	"raw" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "threads_replies_oauth_account_id_threads_id_unique" UNIQUE("oauth_account_id","threads_id"),
	CONSTRAINT "threads_replies_user_id_id_unique" UNIQUE("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "account_insights" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"metric" text NOT NULL,
	"period" text NOT NULL,
	"end_time" timestamp with time zone,
	"breakdown" text DEFAULT '' NOT NULL,
	"value" numeric NOT NULL,
	"day" date,
	"read_at" timestamp with time zone NOT NULL,
	CONSTRAINT "account_insights_oauth_account_id_metric_period_end_time_breakdown_unique" UNIQUE NULLS NOT DISTINCT("oauth_account_id","metric","period","end_time","breakdown")
);
--> statement-breakpoint
CREATE TABLE "account_profiles" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"username" text,
	"display_name" text,
	"biography" text,
	"website" text,
	"picture_url" text,
	"verified" boolean,
	"followers" bigint,
	"following" bigint,
	"media_count" bigint,
	"likes" bigint,
	"source" text DEFAULT 'webhook' NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"read_at" timestamp with time zone,
	"seen_pass" integer,
	"missing_since" timestamp with time zone,
	"removed_at" timestamp with time zone,
	"removed_reason" text,
	"raw" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "account_profiles_oauth_account_id_unique" UNIQUE("oauth_account_id")
);
--> statement-breakpoint
CREATE TABLE "api_usage" (
	"provider" text NOT NULL,
	"provider_account_id" text NOT NULL,
	"window_start" timestamp with time zone NOT NULL,
	"calls_sync" bigint DEFAULT 0 NOT NULL,
	"calls_other" bigint DEFAULT 0 NOT NULL,
	"percent" integer,
	"percent_at" timestamp with time zone,
	"refused_until" timestamp with time zone,
	"refusals" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "api_usage_provider_provider_account_id_window_start_pk" PRIMARY KEY("provider","provider_account_id","window_start")
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"subject_table" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "comment_actions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"idempotency_key" text,
	"kind" text NOT NULL,
	"subject" uuid NOT NULL,
	"request_hash" text NOT NULL,
	"text" text,
	"state" text DEFAULT 'accepted' NOT NULL,
	"provider_ref" text,
	"post_id" uuid,
	"error" jsonb,
	"tries" integer DEFAULT 0 NOT NULL,
	"sent_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "comment_actions_user_id_idempotency_key_unique" UNIQUE("user_id","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "media_insights" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"subject_id" text NOT NULL,
	"metric" text NOT NULL,
	"breakdown" text DEFAULT '' NOT NULL,
	"taken_at" timestamp with time zone NOT NULL,
	"value" numeric NOT NULL,
	"source" text NOT NULL,
	CONSTRAINT "media_insights_oauth_account_id_subject_id_metric_breakdown_taken_at_unique" UNIQUE("oauth_account_id","subject_id","metric","breakdown","taken_at")
);
--> statement-breakpoint
CREATE TABLE "sync_states" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"stream" text NOT NULL,
	"state" text DEFAULT 'idle' NOT NULL,
	"reason" text,
	"cursor" text,
	"pass" integer DEFAULT 0 NOT NULL,
	"pass_started_at" timestamp with time zone,
	"full_pass_completed_at" timestamp with time zone,
	"backfill_complete" boolean DEFAULT false NOT NULL,
	"watermark" timestamp with time zone,
	"covered_until" timestamp with time zone,
	"next_due_at" timestamp with time zone,
	"unchanged_streak" integer DEFAULT 0 NOT NULL,
	"last_attempt_at" timestamp with time zone,
	"last_success_at" timestamp with time zone,
	"rows_seen" bigint DEFAULT 0 NOT NULL,
	"calls_used" bigint DEFAULT 0 NOT NULL,
	"progress" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sync_states_oauth_account_id_stream_unique" UNIQUE("oauth_account_id","stream")
);
--> statement-breakpoint
CREATE TABLE "sync_subjects" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"stream" text NOT NULL,
	"subject_id" text NOT NULL,
	"next_due_at" timestamp with time zone,
	"last_read_at" timestamp with time zone,
	"metrics_state" text,
	"refused_metrics" text[] DEFAULT '{}' NOT NULL,
	"complete" boolean DEFAULT false NOT NULL,
	"hinted_at" timestamp with time zone,
	"known_count" bigint,
	"cursor" text,
	"pass" integer DEFAULT 0 NOT NULL,
	"progress" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"unchanged_streak" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "sync_subjects_oauth_account_id_stream_subject_id_unique" UNIQUE("oauth_account_id","stream","subject_id")
);
--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "parent_ig_id" text;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "from_id" text;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "like_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "own" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "source" text DEFAULT 'webhook' NOT NULL;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "first_seen_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "read_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "seen_pass" integer;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "missing_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "removed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "removed_reason" text;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD COLUMN "raw" jsonb;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "product_type" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "shortcode" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "media_url" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "thumbnail_url" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "urls_read_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "parent_ig_id" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "child_index" integer;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "comment_enabled" boolean;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "like_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "comments_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "saved_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "shares_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "reposts_count" bigint;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "post_id" uuid;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "source" text DEFAULT 'webhook' NOT NULL;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "first_seen_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "read_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "seen_pass" integer;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "missing_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "removed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "removed_reason" text;--> statement-breakpoint
ALTER TABLE "ig_media" ADD COLUMN "raw" jsonb;--> statement-breakpoint
ALTER TABLE "tiktok_videos" ADD CONSTRAINT "tiktok_videos_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tiktok_videos" ADD CONSTRAINT "tiktok_videos_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tiktok_videos" ADD CONSTRAINT "tiktok_videos_user_id_post_id_posts_user_id_id_fk" FOREIGN KEY ("user_id","post_id") REFERENCES "public"."posts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "threads_media" ADD CONSTRAINT "threads_media_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "threads_media" ADD CONSTRAINT "threads_media_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "threads_media" ADD CONSTRAINT "threads_media_user_id_post_id_posts_user_id_id_fk" FOREIGN KEY ("user_id","post_id") REFERENCES "public"."posts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "threads_replies" ADD CONSTRAINT "threads_replies_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "threads_replies" ADD CONSTRAINT "threads_replies_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_insights" ADD CONSTRAINT "account_insights_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_insights" ADD CONSTRAINT "account_insights_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_profiles" ADD CONSTRAINT "account_profiles_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_profiles" ADD CONSTRAINT "account_profiles_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "changes" ADD CONSTRAINT "changes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "changes" ADD CONSTRAINT "changes_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comment_actions" ADD CONSTRAINT "comment_actions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comment_actions" ADD CONSTRAINT "comment_actions_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "media_insights" ADD CONSTRAINT "media_insights_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "media_insights" ADD CONSTRAINT "media_insights_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_states" ADD CONSTRAINT "sync_states_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_states" ADD CONSTRAINT "sync_states_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_subjects" ADD CONSTRAINT "sync_subjects_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_subjects" ADD CONSTRAINT "sync_subjects_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "tiktok_videos_oauth_account_id_create_time_index" ON "tiktok_videos" USING btree ("oauth_account_id","create_time");--> statement-breakpoint
CREATE INDEX "threads_media_oauth_account_id_timestamp_index" ON "threads_media" USING btree ("oauth_account_id","timestamp");--> statement-breakpoint
CREATE INDEX "threads_replies_oauth_account_id_root_id_index" ON "threads_replies" USING btree ("oauth_account_id","root_id");--> statement-breakpoint
CREATE INDEX "changes_user_id_seq_index" ON "changes" USING btree ("user_id","seq");--> statement-breakpoint
CREATE INDEX "changes_at_index" ON "changes" USING btree ("at");--> statement-breakpoint
CREATE INDEX "changes_oauth_account_id_index" ON "changes" USING btree ("oauth_account_id");--> statement-breakpoint
CREATE INDEX "comment_actions_oauth_account_id_subject_index" ON "comment_actions" USING btree ("oauth_account_id","subject");--> statement-breakpoint
CREATE INDEX "comment_actions_oauth_account_id_provider_ref_index" ON "comment_actions" USING btree ("oauth_account_id","provider_ref");--> statement-breakpoint
CREATE INDEX "sync_states_due" ON "sync_states" USING btree ("next_due_at");--> statement-breakpoint
CREATE INDEX "sync_subjects_oauth_account_id_stream_next_due_at_index" ON "sync_subjects" USING btree ("oauth_account_id","stream","next_due_at");--> statement-breakpoint
ALTER TABLE "ig_media" ADD CONSTRAINT "ig_media_user_id_post_id_posts_user_id_id_fk" FOREIGN KEY ("user_id","post_id") REFERENCES "public"."posts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ig_media_instagram_account_id_timestamp_index" ON "ig_media" USING btree ("instagram_account_id","timestamp");--> statement-breakpoint
ALTER TABLE "ig_comments" ADD CONSTRAINT "ig_comments_user_id_id_unique" UNIQUE("user_id","id");--> statement-breakpoint
UPDATE "ig_media" SET "first_seen_at" = "created_at";
--> statement-breakpoint
UPDATE "ig_comments" SET "first_seen_at" = "created_at";
--> statement-breakpoint
CREATE VIEW "all_media" AS
SELECT m.id, m.user_id, 'instagram'::text AS provider, a.oauth_account_id AS account_id, m.ig_id AS provider_media_id,
  CASE WHEN m.product_type = 'REELS' THEN 'reel' WHEN m.product_type = 'STORY' THEN 'story'
    WHEN m.media_type = 'CAROUSEL_ALBUM' THEN 'carousel' ELSE lower(m.media_type) END AS type,
  m.caption AS text, m.permalink, m.timestamp, coalesce(m.timestamp, m.first_seen_at) AS sort_at,
  m.post_id, m.metrics_json AS metrics, s.metrics_state, m.first_seen_at, m.read_at, m.missing_since,
  m.removed_at, m.removed_reason, m.updated_at, m.raw
FROM ig_media m
  JOIN instagram_accounts a ON a.id = m.instagram_account_id
  LEFT JOIN sync_subjects s ON s.oauth_account_id = a.oauth_account_id AND s.stream = 'media_insights' AND s.subject_id = m.ig_id
WHERE m.parent_ig_id IS NULL
UNION ALL
SELECT m.id, m.user_id, 'threads', m.oauth_account_id, m.threads_id,
  CASE m.media_type WHEN 'TEXT_POST' THEN 'text' WHEN 'CAROUSEL_ALBUM' THEN 'carousel' WHEN 'REPOST_FACADE' THEN 'repost' ELSE lower(m.media_type) END,
  m.text, m.permalink, m.timestamp, coalesce(m.timestamp, m.first_seen_at),
  m.post_id, m.metrics_json, s.metrics_state, m.first_seen_at, m.read_at, m.missing_since,
  m.removed_at, m.removed_reason, m.updated_at, m.raw
FROM threads_media m
  LEFT JOIN sync_subjects s ON s.oauth_account_id = m.oauth_account_id AND s.stream = 'media_insights' AND s.subject_id = m.threads_id
UNION ALL
SELECT v.id, v.user_id, 'tiktok', v.oauth_account_id, v.video_id,
  CASE WHEN v.share_url LIKE '%/photo/%' THEN 'image' ELSE 'video' END,
  coalesce(nullif(v.title, ''), v.description), v.share_url, v.create_time, coalesce(v.create_time, v.first_seen_at),
  v.post_id, jsonb_strip_nulls(jsonb_build_object('views', v.view_count, 'likes', v.like_count, 'comments', v.comment_count, 'shares', v.share_count)),
  CASE WHEN num_nonnulls(v.view_count, v.like_count, v.comment_count, v.share_count) > 0 THEN 'ok' ELSE 'empty' END,
  v.first_seen_at, v.read_at, v.missing_since, v.removed_at, v.removed_reason, v.updated_at, v.raw
FROM tiktok_videos v;
--> statement-breakpoint
CREATE VIEW "all_comments" AS
SELECT c.id, c.user_id, 'instagram'::text AS provider, a.oauth_account_id AS account_id, c.ig_media_id AS media_id,
  m.ig_id AS provider_media_id, c.ig_id AS provider_comment_id, p.id AS parent_id, c.parent_ig_id AS provider_parent_id,
  c.from_user AS author, c.text, c.timestamp, coalesce(c.timestamp, c.first_seen_at) AS sort_at,
  CASE WHEN c.removed_at IS NOT NULL THEN 'removed' WHEN c.hidden THEN 'hidden' ELSE 'visible' END AS state,
  c.hidden, c.own, c.like_count, c.first_seen_at, c.read_at, c.missing_since, c.removed_at, c.removed_reason, c.updated_at, c.raw
FROM ig_comments c
  JOIN ig_media m ON m.id = c.ig_media_id
  JOIN instagram_accounts a ON a.id = m.instagram_account_id
  LEFT JOIN ig_comments p ON p.ig_media_id = c.ig_media_id AND p.ig_id = c.parent_ig_id
UNION ALL
SELECT r.id, r.user_id, 'threads', r.oauth_account_id, m.id,
  r.root_id, r.threads_id, p.id, CASE WHEN r.replied_to_id IS DISTINCT FROM r.root_id THEN r.replied_to_id END,
  r.username, r.text, r.timestamp, coalesce(r.timestamp, r.first_seen_at),
  CASE WHEN r.removed_at IS NOT NULL THEN 'removed' WHEN r.approval = 'pending' THEN 'pending'
    WHEN r.hide_status = 'HIDDEN' OR r.approval = 'ignored' THEN 'hidden' ELSE 'visible' END,
  coalesce(r.hide_status = 'HIDDEN', false), r.own, NULL::bigint, r.first_seen_at, r.read_at, r.missing_since,
  r.removed_at, r.removed_reason, r.updated_at, r.raw
FROM threads_replies r
  LEFT JOIN threads_media m ON m.oauth_account_id = r.oauth_account_id AND m.threads_id = r.root_id
  LEFT JOIN threads_replies p ON p.oauth_account_id = r.oauth_account_id AND p.threads_id = r.replied_to_id;
