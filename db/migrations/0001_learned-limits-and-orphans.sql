CREATE TABLE "quota_limits" (
	"oauth_account_id" uuid NOT NULL,
	"bucket" text NOT NULL,
	"limit" integer NOT NULL,
	"post_id" uuid,
	"shown_at" timestamp with time zone NOT NULL,
	"ask_again_at" timestamp with time zone NOT NULL,
	CONSTRAINT "quota_limits_oauth_account_id_bucket_pk" PRIMARY KEY("oauth_account_id","bucket")
);
--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "workflow_checked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "workflow_ended_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "quota_limits" ADD CONSTRAINT "quota_limits_oauth_account_id_oauth_accounts_id_fk" FOREIGN KEY ("oauth_account_id") REFERENCES "public"."oauth_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "quota_limits" ADD CONSTRAINT "quota_limits_post_id_posts_id_fk" FOREIGN KEY ("post_id") REFERENCES "public"."posts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "posts_with_workflow" ON "posts" USING btree ("workflow_checked_at") WHERE workflow_ended_at is null;