CREATE TABLE "data_deletions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"code" text NOT NULL,
	"provider" text NOT NULL,
	"accounts" integer NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp with time zone,
	CONSTRAINT "data_deletions_code_unique" UNIQUE("code")
);
--> statement-breakpoint
CREATE TABLE "ig_comments" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"ig_media_id" uuid NOT NULL,
	"ig_id" text NOT NULL,
	"from_user" text,
	"text" text,
	"hidden" boolean DEFAULT false NOT NULL,
	"timestamp" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ig_comments_ig_media_id_ig_id_unique" UNIQUE("ig_media_id","ig_id")
);
--> statement-breakpoint
CREATE TABLE "ig_media" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"instagram_account_id" uuid NOT NULL,
	"ig_id" text NOT NULL,
	"media_type" text,
	"caption" text,
	"permalink" text,
	"timestamp" timestamp with time zone,
	"metrics_json" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ig_media_instagram_account_id_ig_id_unique" UNIQUE("instagram_account_id","ig_id"),
	CONSTRAINT "ig_media_user_id_id_unique" UNIQUE("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "instagram_accounts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"oauth_account_id" uuid NOT NULL,
	"ig_business_id" text NOT NULL,
	"page_id" text,
	"username" text,
	"access_level" text NOT NULL,
	"page_access_token_encrypted" "bytea",
	"facebook_user_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "instagram_accounts_oauth_account_id_unique" UNIQUE("oauth_account_id"),
	CONSTRAINT "instagram_accounts_user_id_ig_business_id_unique" UNIQUE("user_id","ig_business_id"),
	CONSTRAINT "instagram_accounts_user_id_id_unique" UNIQUE("user_id","id")
);
--> statement-breakpoint
ALTER TABLE "quota_limits" ADD COLUMN "used" integer;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD CONSTRAINT "ig_comments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ig_comments" ADD CONSTRAINT "ig_comments_user_id_ig_media_id_ig_media_user_id_id_fk" FOREIGN KEY ("user_id","ig_media_id") REFERENCES "public"."ig_media"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ig_media" ADD CONSTRAINT "ig_media_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ig_media" ADD CONSTRAINT "ig_media_user_id_instagram_account_id_instagram_accounts_user_id_id_fk" FOREIGN KEY ("user_id","instagram_account_id") REFERENCES "public"."instagram_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "instagram_accounts" ADD CONSTRAINT "instagram_accounts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "instagram_accounts" ADD CONSTRAINT "instagram_accounts_user_id_oauth_account_id_oauth_accounts_user_id_id_fk" FOREIGN KEY ("user_id","oauth_account_id") REFERENCES "public"."oauth_accounts"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "instagram_accounts_facebook_user_id_index" ON "instagram_accounts" USING btree ("facebook_user_id");