ALTER TABLE "comment_actions" ADD COLUMN "repeat" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "comment_actions" ADD COLUMN "request_id" text;--> statement-breakpoint
ALTER TABLE "comment_actions" ADD COLUMN "last_sent_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "comment_actions" ADD COLUMN "started_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "comment_actions_started_at_index" ON "comment_actions" USING btree ("started_at") WHERE "comment_actions"."state" not in ('done', 'failed') and "comment_actions"."error" is null and "comment_actions"."post_id" is null;